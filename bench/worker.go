package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/plugins/apns"
	"github.com/pushworker/pushworker/pkg/plugins/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/webpush"
	"github.com/pushworker/pushworker/pkg/push"
)

// workerOptions are those of a worker child.
type workerOptions struct {
	URL      string `json:"url"`
	Handlers string `json:"handlers"` // as PUSHWORKER_HANDLERS
	// Directory is PUSHWORKER_DIRECTORY; empty for the default.
	Directory config.Place `json:"directory,omitempty"`
	// More are further variables.
	More []string `json:"more,omitempty"`
	// Traces is where spans go; empty for none. Sampler is OTEL_TRACES_SAMPLER.
	Traces  string `json:"traces,omitempty"`
	Sampler string `json:"sampler,omitempty"`
}

// The names of handlers, and of their lanes and durables. Null counts and does
// nothing else, down is a second FCM, stuck never reads its channel.
const (
	nullLane  = "null"
	fcmLane   = "fcm"
	heldLane  = "fcm-held" // to its own rate
	goLane    = "fcm-go"   // over Go's net/http
	downLane  = "down"
	stuckLane = "stuck"

	apnsLane    = "apns"
	webpushLane = "webpush"
	besideLane  = "-beside" // ends the name of one beside that of another build
)

// serveWorker is the whole worker, as `pushworker run` runs it.
func serveWorker(ctx context.Context, options []byte) error {
	worker.SetGC()
	var o workerOptions
	if err := json.Unmarshal(options, &o); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	traces, err := o.setTraces()
	if err != nil {
		return err
	}
	c, err := config.Load(slices.Concat([]string{
		"PUSHWORKER_NATS_URL=" + o.URL, "PUSHWORKER_HANDLERS=" + o.Handlers, "PUSHWORKER_ADMIN_ADDR=127.0.0.1:0",
		"PUSHWORKER_DIRECTORY=" + string(o.Directory),
	}, o.More, traces), nil)
	if err != nil {
		return fmt.Errorf("configure the worker: %w", err)
	}
	m := &meter{}
	w := worker.Worker{
		Config: c, Version: "bench", Banner: io.Discard,
		Log: zerolog.New(os.Stderr).Level(zerolog.ErrorLevel),
		Plugins: func(r *push.Registry, d push.Directory) { //nolint:contextcheck // handlers are given none
			r.Register(nullLane, counting(m))
			for _, lane := range []string{fcmLane, heldLane, goLane} {
				r.Register(lane, fcm.New(d))
			}
			r.Register(downLane, fcm.New(d))
			for _, beside := range []string{"", besideLane} {
				r.Register(apnsLane+beside, apns.New(d))
				r.Register(webpushLane+beside, webpush.New(d))
			}
			r.Register(stuckLane, stuck{make(chan *push.Receipt, 32)})
		},
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		err := w.Run(ctx)
		ended <- err
		if ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "bench: worker:", err)
			os.Exit(1) // whoever waits for an answer sees the end of the pipe
		}
	}()
	if err := serve(reply{}, m.answer); err != nil {
		return err
	}
	stop()
	return <-ended
}

// counting is a handler that only counts.
func counting(m *meter) push.Handler {
	return push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: func(_ context.Context, r *push.Receipt) error {
			m.count(r.Payload.Timestamp, time.Now())
			return nil
		}}, nil
	})
}

// stuck is a handler as in Tinode 0.16, whose channel stays full.
type stuck struct{ ch chan *push.Receipt }

func (stuck) Init(string) error            { return nil }
func (stuck) IsReady() bool                { return true }
func (s stuck) Push() chan<- *push.Receipt { return s.ch }
func (stuck) Stop()                        {}
