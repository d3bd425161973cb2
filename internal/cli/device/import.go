package device

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// importers is how many devices are being registered at a time.
const importers = 64

func newDeviceImportCommand(a command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Register the devices of a file of JSON Lines",
		Long: `Registers the devices of a file: one JSON object per line with the members user,
id, provider, platform, token, lang. - is standard input. A line may hold when
the device was registered; then it replaces nothing newer. What is not a device
is told as FILE:LINE, the rest is registered, and the exit code is 65.`,
		Example: `  pushworker device import devices.jsonl
  zcat devices.jsonl.gz | pushworker device import -`,
		Args: app.OneFile("devices"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.devices(cmd.Context(), true, func(dir *broker.Devices) error {
				return a.importDevices(cmd.Context(), dir, args[0])
			})
		},
	}
	a.AddCreateFlag(cmd.Flags())
	return cmd
}

func (a command) importDevices(ctx context.Context, dir *broker.Devices, name string) error {
	in, name, err := a.Open(name, "devices")
	if err != nil {
		return app.Data(err)
	}
	defer func() { _ = in.Close() }() // only read
	i := &deviceImport{command: a, dir: dir, name: name}
	return i.run(ctx, in)
}

// deviceImport is one run of import:
//
//	input ─► read ─► dispatch ─► importer of the user ─► directory
//
// A user's lines are all one importer's, so that they are taken in their order.
type deviceImport struct {
	command

	dir  *broker.Devices
	name string

	total, invalid int
	stored, kept   atomic.Int64
}

// deviceEntry is what a line holds: a device, or a fault.
type deviceEntry struct {
	push.Device

	line  int
	fault error
}

// run registers what is in the input. It stops early when the directory fails.
func (i *deviceImport) run(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	entries := make(chan deviceEntry)
	go func() {
		defer close(entries)
		readDevices(ctx, in, entries)
	}()
	group, working := errgroup.WithContext(ctx)
	queues := make([]chan deviceEntry, importers)
	for n := range queues {
		queue := make(chan deviceEntry, 16) // keeps the other importers busy while one waits
		queues[n] = queue
		group.Go(func() error { return i.register(working, queue) })
	}
	group.Go(func() error {
		defer func() {
			for _, queue := range queues {
				close(queue)
			}
		}()
		return i.dispatch(working, entries, queues)
	})
	return i.conclude(group.Wait())
}

// readDevices sends an entry for each line that is not blank.
func readDevices(ctx context.Context, in io.Reader, entries chan<- deviceEntry) {
	lines := bufio.NewReaderSize(in, device.MaxLine+2)
	for line := 1; ; line++ {
		text, err := readLine(lines)
		if errors.Is(err, io.EOF) || errors.Is(err, terminal.ErrInterrupted) {
			return
		}
		if err == nil && len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		entry := deviceEntry{line: line}
		entry.Device, entry.fault = parseDevice(text, err)
		select {
		case entries <- entry:
		case <-ctx.Done():
			return
		}
		if err != nil && !errors.Is(err, errLineTooLong) {
			return
		}
	}
}

var errLineTooLong = fmt.Errorf("more than %d bytes: check that there is one device per line", device.MaxLine)

// readLine returns the next line. After errLineTooLong it can be called again.
func readLine(lines *bufio.Reader) ([]byte, error) {
	text, more, err := lines.ReadLine()
	if err == nil && more {
		for more && err == nil {
			_, more, err = lines.ReadLine()
		}
		return nil, errLineTooLong
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("reading stops here: %w", err)
	}
	return text, err
}

// parseDevice reads a line, unless err says that there is none.
func parseDevice(text []byte, err error) (d push.Device, fault error) {
	if err == nil {
		d, err = device.ParseLine(text)
	}
	if err == nil {
		err = device.Validate(d)
	}
	return d, err
}

// dispatch tells faults and hands devices to the importer of their user.
func (i *deviceImport) dispatch(ctx context.Context, entries <-chan deviceEntry, queues []chan deviceEntry) error {
	for {
		select {
		case e, ok := <-entries:
			if !ok {
				return ctx.Err()
			}
			i.total++
			if e.fault != nil {
				i.invalid++
				i.Say("%s:%d: %s", i.name, e.line, strings.ReplaceAll(e.fault.Error(), "\n", "; "))
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
func (i *deviceImport) register(ctx context.Context, queue <-chan deviceEntry) error {
	for e := range queue {
		stored, err := i.dir.Put(ctx, e.Device)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("%s:%d and what follows: %w: import it again, what is registered stays so", i.name, e.line, err)
		case stored:
			i.stored.Add(1)
		default:
			i.kept.Add(1)
		}
	}
	return nil
}

// conclude says how it went.
func (i *deviceImport) conclude(err error) error {
	i.Say("registered %s", terminal.Count(int(i.stored.Load()), "device"))
	if kept := int(i.kept.Load()); kept > 0 {
		i.Say("left out %s, because what is registered is newer", terminal.Count(kept, "device"))
	}
	switch {
	case errors.Is(err, context.Canceled):
		return app.Interrupted("import it again, what is registered stays so")
	case err != nil:
		return app.Unavailable(err)
	case i.invalid > 0:
		others := ""
		if i.invalid < i.total {
			others = "; the others were registered"
		}
		return app.Data(fmt.Errorf("%d of %s hold no device that can be registered%s", i.invalid, terminal.Count(i.total, "line"), others))
	}
	return nil
}
