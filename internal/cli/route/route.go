// Package route has the command route. What becomes of a receipt its handlers say.
package route

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/jsonl"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command route.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	var out terminal.Format
	var reveal bool
	cmd := &cobra.Command{
		Use:   "route FILE|-",
		Short: "Show which devices a receipt would reach, and why",
		Long: `Shows for each handler and device how the receipts in a file would be delivered,
and sends nothing. With -o json or jsonl each line has the message that would be
sent. Handlers that need devices ask the broker for them.`,
		Example: `  pushworker route receipt.json
  pushworker route receipt.json -o jsonl | jq .message
  pushworker deadletter show 7 --raw | pushworker route -`,
		Args: app.OneFile("receipts"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.WholeConfig()
			if err != nil {
				return err
			}
			r := &routing{
				command: a, config: c, reveal: reveal,
				out: a.List(out, "RECEIPT", "HANDLER", "USER", "DEVICE", "DOES", "WHY"),
			}
			return r.run(cmd.Context(), args[0])
		},
	}
	terminal.AddFormat(cmd, &out)
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show device tokens in full")
	return cmd
}

// routing is one run of route.
type routing struct {
	command

	config *config.Config
	reveal bool
	out    *terminal.List
	// address is [worker.Worker.Addresser]'s.
	address func(push.Device) (push.Device, error)
	// handlers are the configured ones; nil if disabled.
	handlers map[string]push.Handler
	// hash masks tokens, once the directory has been asked.
	hash func(token string) string
	// failed is what could not be learned.
	failed error
}

// routeLine is what one handler does about one target of a receipt.
type routeLine struct {
	Receipt string `json:"receipt"`
	// Handler is empty for a device that no handler takes.
	Handler  string `json:"handler,omitempty"`
	User     string `json:"user,omitempty"`
	Device   string `json:"device,omitempty"`
	Platform string `json:"platform,omitempty"`
	App      string `json:"app,omitempty"`
	Kind     string `json:"kind,omitempty"`
	Channel  string `json:"channel,omitempty"`
	// Does is send, skip, reject or unknown.
	Does      string          `json:"does"`
	Why       string          `json:"why,omitempty"`
	Silent    bool            `json:"silent,omitempty"`
	TokenHash string          `json:"token_hash,omitempty"`
	Token     string          `json:"token,omitempty"`
	Message   json.RawMessage `json:"message,omitempty"`
}

// located is a receipt and where it was read.
type located struct {
	*push.Receipt

	where string
}

func (r *routing) run(ctx context.Context, name string) (err error) {
	receipts, err := r.read(name)
	if err != nil {
		return err
	}
	directory := &device.OnDemand{Open: r.openDirectory}
	defer directory.Close()
	defer func() { err = errors.Join(err, r.out.Close(), r.failed) }()
	plugins := func(reg *push.Registry, d push.Directory) { r.Plugins(reg, d, io.Discard) }
	own := worker.Worker{Config: r.config, Plugins: plugins}
	r.address, r.handlers = own.Addresser(), make(map[string]push.Handler)
	err = own.Look(directory, func(handler string, h push.Handler) {
		r.handlers[handler] = h
		for _, receipt := range receipts {
			r.route(ctx, receipt, handler, h)
		}
	})
	for _, receipt := range receipts {
		if err == nil && r.config.Handlers.ReachesDevices() {
			r.unclaimed(ctx, receipt, directory)
		}
	}
	return err
}

// read reads all receipts; those that are none are told together.
func (r *routing) read(name string) ([]located, error) {
	in, name, err := r.Open(name, "receipts")
	if err != nil {
		return nil, app.Data(err)
	}
	defer func() { _ = in.Close() }() // only read
	limits := r.config.ReceiptLimits()
	receipts, faults := readAll(jsonl.NewReader(in, limits.MaxBytes), name, limits)
	if errors.Is(faults, terminal.ErrInterrupted) {
		return nil, faults
	}
	if faults == nil && len(receipts) == 0 {
		faults = fmt.Errorf("%s: there is no receipt in it", name)
	}
	if faults != nil {
		return nil, app.Data(faults)
	}
	return receipts, nil
}

// readAll reads receipts to the end; what is none is in the error.
func readAll(reader *jsonl.Reader, name string, limits push.Limits) (receipts []located, faults error) {
	now := time.Now() // as if they were published
	for {
		piece, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return receipts, faults
		}
		where := fmt.Sprintf("%s:%d", name, piece.Line)
		var receipt *push.Receipt
		if err == nil {
			receipt, _, err = push.Decode(piece.Data, limits)
		}
		if err != nil {
			faults = errors.Join(faults, fmt.Errorf("%s: %w", where, err))
			continue
		}
		receipt.Stamp(&push.Delivery{Published: now})
		receipts = append(receipts, located{receipt, where})
	}
}

// route tells what handler does about a receipt; h is nil when it is disabled.
func (r *routing) route(ctx context.Context, receipt located, handler string, h push.Handler) {
	line := routeLine{Receipt: receipt.where, Handler: handler, Does: "skip", Why: "the handler is disabled"}
	if h == nil {
		r.add(line)
		return
	}
	line.Does, line.Why = "unknown", "the handler does not say what it would do"
	router, ok := h.(push.Router)
	if !ok {
		r.add(line)
		return
	}
	routes, err := router.Route(ctx, receipt.Clone())
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		r.add(line)
	case err != nil:
		line.Why = err.Error()
		r.failed = errors.Join(r.failed, app.Unavailable(fmt.Errorf("handler %s: %w", handler, err)))
		r.add(line)
	}
	for _, one := range routes {
		r.add(r.line(line, one))
	}
}

// line is a route in words, with what base says of the receipt and the handler.
func (r *routing) line(base routeLine, one push.Route) routeLine {
	l := base
	l.Device, l.Platform, l.Channel = one.Device.ID, one.Device.Platform, one.Channel
	l.App, l.Kind = one.Device.More().App, one.Device.More().Kind
	l.Does, l.Why, l.Silent, l.Message = "skip", one.Why, one.Silent, one.Message
	switch one.Result {
	case push.ResultAccepted:
		l.Does = "send"
	case push.ResultRejected:
		l.Does = "reject"
	case push.ResultSkipped, push.ResultGone, push.ResultRetried:
	}
	if !one.Device.User.IsZero() {
		l.User = one.Device.User.UserId()
	}
	switch {
	case one.Device.Token == "":
	case r.reveal:
		l.Token = one.Device.Token
	case r.hash != nil:
		l.TokenHash = r.hash(one.Device.Token)
	}
	return l
}

func (r *routing) add(l routeLine) {
	who, why := l.User, l.Why
	if l.Channel != "" {
		who = l.Channel
	}
	if why == "" && l.Silent {
		why = "silently"
	}
	if l.Token != "" {
		why = strings.TrimSpace(why + " token " + l.Token)
	}
	r.out.Add(l, l.Receipt, l.Handler, who, app.DeviceName(l.Device, l.App, l.Kind), l.Does, why)
}

// openDirectory connects to the broker and opens its directory of devices.
func (r *routing) openDirectory(ctx context.Context) (push.Directory, func(), error) {
	conn, err := r.Connect(ctx, r.config, "route")
	if err != nil {
		return nil, nil, err
	}
	plugins := func(reg *push.Registry, d push.Directory) { r.Plugins(reg, d, io.Discard) }
	directory, err := worker.Worker{Config: r.config, Plugins: plugins, Log: r.Logger(r.config.Log)}.OpenDevices(ctx, conn, nil)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	r.hash = directory.Hash
	return directory, func() { directory.Close(); conn.Close() }, nil
}
