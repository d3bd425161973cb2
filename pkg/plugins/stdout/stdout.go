// Package stdout is the handler that prints receipts, one a line: to see what goes
// through the queue, or to pipe it into another program.
//
// It refuses to know devices and time-outs of providers: every receipt is printed,
// whatever its action and whoever it addresses, and none expires by itself, only
// when its publisher said so. What is lost at its border: a line counts as delivered when the writer has taken it, which for a
// pipe means the kernel and not the reader; and a write that ends in the middle
// leaves a piece of a line, which the retry prints again as a whole.
package stdout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/pushworker/pushworker/pkg/push"
)

// maxKept is the size up to which the line buffer is kept between receipts.
const maxKept = 64 << 10

// config is the manual of the handler's own keys; [push.Common] has the others.
type config struct {
	// Format is "json" (the default) or "text". "json" prints the receipt as canonical
	// JSON on one line, and escapes control characters and characters that change the
	// direction of the text, because the line may go to a terminal. "text" prints a
	// summary for people: no device ids, and at most 80 characters of any string.
	Format string `json:"format"`
}

// New makes the handler. It prints to w with one Write for each receipt; writes
// never overlap, whatever the concurrency. The program must not die of SIGPIPE if
// w is its standard output: then a reader that is gone makes the handler
// unavailable ([push.Unavailable]) until it is back.
func New(w io.Writer) *push.Adapter { return (&output{w: w}).handler() }

// Type is [New] for several handlers that share w: their writes do not overlap either.
func Type(w io.Writer) func() push.Handler {
	out := &output{w: w}
	return func() push.Handler { return out.handler() }
}

func (o *output) handler() *push.Adapter {
	return push.Adapt(func(jsonconf string) (push.Work, error) {
		c := config{Format: "json"}
		err := push.DecodeConfig(jsonconf, &c)
		appenders := map[string]appender{"json": appendJSON, "text": appendText}
		if appenders[c.Format] == nil {
			err = errors.Join(err, fmt.Errorf(`key "format" is %q: want "json" or "text"`, c.Format))
		}
		if err != nil {
			return push.Work{}, err
		}
		return o.work(appenders[c.Format]), nil
	})
}

// output is the writer and the line on its way to it.
type output struct {
	mu   sync.Mutex
	w    io.Writer
	line []byte
}

type appender func(dst []byte, r *push.Receipt) ([]byte, error)

func (o *output) work(format appender) push.Work {
	return push.Work{
		Handle: func(_ context.Context, r *push.Receipt) error { return o.print(format, r) },
		Route:  func(_ context.Context, r *push.Receipt) ([]push.Route, error) { return route(format, r) },
	}
}

// route is the one line that would be printed, as it is if it is JSON and else as a
// JSON string.
func route(format appender, r *push.Receipt) ([]push.Route, error) {
	line, err := format(nil, r)
	if err == nil && !json.Valid(line) {
		line, err = json.Marshal(string(line))
	}
	if err != nil {
		return nil, fmt.Errorf("print receipt: %w", err)
	}
	return []push.Route{{Target: push.Target{Result: push.ResultAccepted}, Message: line}}, nil
}

func (o *output) print(format appender, r *push.Receipt) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	line, err := format(o.line[:0], r)
	if err != nil {
		return push.Permanent(fmt.Errorf("print receipt: %w", err))
	}
	line = append(line, '\n')
	if o.line = line; cap(line) > maxKept {
		o.line = nil
	}
	_, err = o.w.Write(line)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe), errors.Is(err, os.ErrClosed):
		return push.Unavailable(fmt.Errorf("the reader of the output has gone: attach one, or disable the handler: %w", err))
	}
	return fmt.Errorf("write a receipt to the output; check the disk or pipe behind it: %w", err)
}
