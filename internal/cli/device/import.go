package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/device"
)

func newDeviceImportCommand(a command) *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Register the devices of a file of JSON Lines",
		Long: `Registers the devices of a file: one JSON object per line with the members user,
id, provider, platform, token, lang, app, kind, env and keys. - is standard
input. A line may say when the device was registered; then it does
not replace a newer registration. A line without a valid device is reported as
FILE:LINE, the other lines are registered, and the exit code is 65.`,
		Example: `  pushworker device import devices.jsonl
  zcat devices.jsonl.gz | pushworker device import -`,
		Args: app.OneFile("devices"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.ownDevices(cmd.Context(), true, func(dir *devices.Directory) error {
				return a.importDevices(cmd.Context(), dir, args[0], quiet)
			})
		},
	}
	a.AddCreateFlag(cmd.Flags())
	app.AddQuiet(cmd.Flags(), &quiet)
	return cmd
}

func (a command) importDevices(ctx context.Context, dir *devices.Directory, name string, quiet bool) error {
	in, name, err := a.Open(name, "devices")
	if err != nil {
		return app.Data(err)
	}
	defer func() { _ = in.Close() }() // only read
	counted := &countedReader{Reader: in}
	var shown *app.Progress
	i := &device.Import{Put: dir.Put, Address: dir.Address, Invalid: func(line int, err error) {
		shown.Clear()
		a.Say("%s:%d: %s", name, line, strings.ReplaceAll(err.Error(), "\n", "; "))
	}}
	shown = a.Show(&app.Progress{
		What: "importing", Total: sizeOf(in), Done: counted.n.Load, Quiet: quiet || terminal.IsTerminal(a.Stdin.Reader) && name == "stdin",
		Line: func() string { return "importing: " + terminal.Count(int(i.Stored()), "device") },
	})
	err = i.Run(ctx, counted)
	shown.Stop()
	return a.concludeImport(i, name, err, quiet)
}

// concludeImport says how it went.
func (a command) concludeImport(i *device.Import, name string, err error, quiet bool) error {
	if !quiet {
		a.Say("registered %s", terminal.Count(int(i.Stored()), "device"))
		if kept := int(i.Kept()); kept > 0 {
			a.Say("left out %s, because newer ones are registered", terminal.Count(kept, "device"))
		}
	}
	if failed, ok := errors.AsType[*device.ImportError](err); ok {
		return app.Unavailable(fmt.Errorf("%s:%d and the lines after it: %w: import the file again; devices that are registered stay so", name, failed.Line, failed.Err))
	}
	switch {
	case errors.Is(err, context.Canceled):
		return app.Interrupted("import the file again; devices that are registered stay so")
	case err != nil:
		return app.Unavailable(err)
	case i.Faults > 0:
		others := ""
		if i.Faults < i.Lines {
			others = "; the others were registered"
		}
		return app.Data(fmt.Errorf("%d of %s hold no device that can be registered%s", i.Faults, terminal.Count(i.Lines, "line"), others))
	}
	return nil
}

// countedReader counts what is read.
type countedReader struct {
	io.Reader

	n atomic.Int64
}

// Read implements [io.Reader].
func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// sizeOf is how many bytes an input has; -1 if nobody knows.
func sizeOf(in io.Reader) int64 {
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	}
	return -1
}
