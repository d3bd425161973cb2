package terminal

import (
	"fmt"
	"io"
)

// SafeLines writes lines of JSON, each in one Write, with what does not print
// escaped: what apps and people put into names moves no cursor.
type SafeLines struct{ io.Writer }

// Write implements [io.Writer].
func (w SafeLines) Write(line []byte) (int, error) {
	text := string(line)
	end := ""
	if n := len(text); n > 0 && text[n-1] == '\n' {
		text, end = text[:n-1], "\n"
	}
	if _, err := io.WriteString(w.Writer, PrintableJSON(text)+end); err != nil {
		return 0, fmt.Errorf("write a line: %w", err)
	}
	return len(line), nil
}
