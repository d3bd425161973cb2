package device

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/internal/jsonl"
	"github.com/pushworker/pushworker/pkg/push"
)

// importers is how many devices are being registered at a time.
const importers = 64

// Import registers the devices of an input of JSON Lines:
//
//	input ─► read ─► dispatch ─► importer of the user ─► Put
//
// A user's lines are all one importer's, so that they are taken in their order.
type Import struct {
	// Put registers a device, and reports whether it was not older than what is registered.
	Put func(context.Context, push.Device) (stored bool, err error)
	// Address checks a device; nil for [Validate]. [Directory.Address] does more.
	Address func(push.Device) (push.Device, error)
	// Invalid is told of each line that holds no device.
	Invalid func(line int, err error)

	// Lines and Faults count the lines, and those that hold no device.
	Lines, Faults int

	stored, kept atomic.Int64
}

// ImportError says at which line the directory failed. What was registered stays so.
type ImportError struct {
	Line int
	Err  error
}

// Error implements error.
func (e *ImportError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Err) }

// Unwrap returns the directory's error.
func (e *ImportError) Unwrap() error { return e.Err }

// Stored is how many devices were registered so far.
func (i *Import) Stored() int64 { return i.stored.Load() }

// Kept is how many were left out, because what is registered is newer.
func (i *Import) Kept() int64 { return i.kept.Load() }

// entry is what a line holds: a device, or a fault.
type entry struct {
	push.Device

	line  int
	fault error
}

// Run registers what is in the input. It stops early when the directory fails, with an
// [*ImportError], when ctx ends, with its error, and when reading ends with
// [context.Canceled], with that.
func (i *Import) Run(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	entries := make(chan entry)
	go func() {
		defer close(entries)
		i.readEntries(ctx, in, entries)
	}()
	group, working := errgroup.WithContext(ctx)
	queues := make([]chan entry, importers)
	for n := range queues {
		queue := make(chan entry, 16) // keeps the other importers busy while one waits
		queues[n] = queue
		group.Go(func() error { return i.register(working, queue) })
	}
	group.Go(func() error {
		defer func() {
			for _, queue := range queues {
				close(queue)
			}
		}()
		return cmp.Or(i.dispatch(working, entries, queues), ctx.Err()) // working may end a moment after ctx
	})
	return group.Wait()
}

// readEntries sends an entry for each line that is not blank.
func (i *Import) readEntries(ctx context.Context, in io.Reader, entries chan<- entry) {
	lines := jsonl.NewLines(in, MaxLine)
	for ctx.Err() == nil {
		text, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil && len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		e := entry{line: lines.N}
		e.Device, e.fault = i.parseValid(bytes.TrimRight(text, "\r\n"), lineFault(err))
		send(ctx, entries, e)
		if err != nil && !errors.Is(err, jsonl.ErrTooLong) {
			return
		}
	}
}

// send sends e unless ctx has ended: an input that is closed because of that is no
// fault.
func send(ctx context.Context, entries chan<- entry, e entry) {
	if ctx.Err() != nil {
		return
	}
	select {
	case entries <- e:
	case <-ctx.Done():
	}
}

// lineFault words why a line could not be read.
func lineFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jsonl.ErrTooLong):
		return &InvalidError{errLineTooLong}
	default:
		return fmt.Errorf("reading stops here: %w", err)
	}
}

// parseValid reads a line, unless err says that there is none.
func (i *Import) parseValid(text []byte, err error) (d push.Device, fault error) {
	if err == nil {
		d, err = ParseLine(text)
	}
	switch {
	case err != nil:
		return d, err
	case i.Address == nil:
		return d, Validate(d)
	}
	return i.Address(d)
}

// dispatch tells faults and hands devices to the importer of their user.
func (i *Import) dispatch(ctx context.Context, entries <-chan entry, queues []chan entry) error {
	for {
		select {
		case e, ok := <-entries:
			switch {
			case !ok:
				return nil
			case errors.Is(e.fault, context.Canceled): // the reading was called off
				return e.fault
			}
			i.Lines++
			if e.fault != nil {
				i.Faults++
				i.Invalid(e.line, e.fault)
				continue
			}
			select {
			case queues[uint64(e.User)%uint64(len(queues))] <- e:
			case <-ctx.Done():
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// register registers the devices of a queue.
func (i *Import) register(ctx context.Context, queue <-chan entry) error {
	for e := range queue {
		stored, err := i.Put(ctx, e.Device)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return &ImportError{e.line, err}
		case stored:
			i.stored.Add(1)
		default:
			i.kept.Add(1)
		}
	}
	return nil
}
