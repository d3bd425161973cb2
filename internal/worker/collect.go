package worker

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the heap, which is small, grow to three times what is in use before
// it is collected: collecting is a good part of what a push costs, and of reading
// history.
const gcPercent = 200

// SetGC sets how often this process collects its heap. GOGC overrides it, and
// GOMEMLIMIT bounds it. A process that stands for the worker calls it, too, so that it
// costs what the worker costs.
func SetGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
