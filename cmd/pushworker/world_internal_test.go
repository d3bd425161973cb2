package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/device/devicetest"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
)

// patience bounds each wait; nothing but a failure takes so long, however busy the machine is.
const patience = 3 * time.Minute

// world is what a script's commands work on.
type world struct {
	tb       testing.TB
	conn     *broker.Conn
	topology topology.Topology
	unready  atomic.Bool
	fake     *fakefcm.Server
	page     *page
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// exits runs a command that must exit with a certain code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// awaitOutput runs a command until its standard output matches.
func awaitOutput(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: await REGEXP COMMAND…")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(worldOf(ts).tb.Context(), patience)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) { // a look is a process
		_ = ts.Exec(args[1], args[2:]...) // it may fail while what it looks at starts
		if want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			ts.Fatalf("the output has not matched %s for %s; the last is:\n%s%s", args[0], patience, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
	}
}

// freeAddr finds a free address of this machine.
func freeAddr(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], address.For(worldOf(ts).tb))
}

func printed(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// startBroker starts a broker. With handlers it is one on which a worker with them
// has been started; without, nothing is provisioned.
func startBroker(ts *testscript.TestScript, _ bool, handlers []string) {
	w := worldOf(ts)
	b := brokertest.Start(w.tb)
	w.conn, w.topology = b.Connect(w.tb), b.Topology(handlers...)
	if len(handlers) > 0 {
		_, err := topology.Provision(w.tb.Context(), w.conn, w.topology)
		ts.Check(err)
	}
	ts.Setenv("PUSHWORKER_NATS_URL", b.URL())
	if ts.Getenv("PUSHWORKER_ADMIN_ADDR") == "" {
		ts.Setenv("PUSHWORKER_ADMIN_ADDR", "127.0.0.1:1") // where no worker of somebody else's answers
	}
}

// someLetters is a letter of a lane and one of no lane, both with what a terminal
// must not get.
func someLetters() []deadletter.Letter {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	return []deadletter.Letter{
		{
			Handler: "fcm", Reason: "permanent", Error: "HTTP 400, and more than fits: \u202ebad\u009b31m token", Attempts: 3,
			First: at, Last: at.Add(time.Minute), Stream: "PUSH", StreamSeq: 7, Subject: "push.receipts", ID: "a",
			Data:   []byte(`{"to":{},"payload":{"what":"msg","content":"` + "\x7f\u009b\u202e" + `<hi>"}}`),
			Header: map[string][]string{"traceparent": {"00-1"}},
		},
		{
			Reason: "malformed", Error: "at byte 0: want a JSON object", First: at, Last: at.Add(time.Hour),
			Stream: "PUSH", StreamSeq: 8, Subject: "push.receipts.eu", ID: "b", Data: []byte("no \x00 JSON\n"),
		},
	}
}

func bury(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	for i, l := range someLetters() {
		ts.Check(queue.NewDeadLetters(w.conn, w.topology).Bury(w.tb.Context(), l))
		ts.Check(os.WriteFile(ts.MkAbs("letter-"+strconv.Itoa(i+1)), l.Data, 0o600))
	}
}

// startWorker serves what a worker with one lane, whose provider is down, would.
func startWorker(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	addr := "127.0.0.1:0"
	if len(args) > 0 {
		addr = args[0]
	}
	server, err := admin.Listen(w.tb.Context(), admin.Options{
		Addr: addr, Metrics: prometheus.NewRegistry(), Token: ts.Getenv("PUSHWORKER_ADMIN_TOKEN"),
		Ready: []admin.Check{{Name: "broker", Run: func(context.Context) error {
			if w.unready.Load() {
				return errors.New("not connected")
			}
			return nil
		}}},
		Status: func() admin.Status {
			return admin.NewStatus(admin.Sample{Handlers: []string{"fcm"}},
				&admin.Process{Version: "v9", PID: 1, Started: time.Now()},
				map[string]admin.LaneState{"fcm": {Held: 4, Dropped: 12345, BreakerOpen: true}})
		},
	})
	ts.Check(err)
	ctx, stop := context.WithCancel(w.tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	ts.Defer(func() {
		stop()
		ts.Check(<-ended)
	})
	ts.Setenv("PUSHWORKER_ADMIN_ADDR", server.Addr())
}

func setReady(ts *testscript.TestScript, _ bool, args []string) {
	worldOf(ts).unready.Store(args[0] == "false")
}

// pull takes the next receipts of the first lane and writes each to the file
// pulled: its subject, its bytes, a line break after each.
func pull(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(w.tb.Context(), patience)
	defer cancel()
	lane, err := queue.Bind(ctx, w.conn, w.topology, w.topology.Handlers[0], nil)
	ts.Check(err)
	var pulled bytes.Buffer
	_, err = lane.Fresh.Pull(ctx, n, 0, nil, func(m consumer.Message) {
		pulled.WriteString(m.Origin().Subject + "\n" + string(m.Data()) + "\n")
		ts.Check(m.Ack())
	})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("pulled"), pulled.Bytes(), 0o600))
}

// startChatServer starts what answers push.directory.* with the devices of a file of import
// lines.
func startChatServer(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	keeper := devicetest.NewKeeper()
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		d, err := device.ParseLine([]byte(strings.TrimSpace(line)))
		ts.Check(err)
		_, err = keeper.Put(w.tb.Context(), d)
		ts.Check(err)
	}
	nc, _ := brokertest.Client(w.tb, ts.Getenv("PUSHWORKER_NATS_URL"))
	brokertest.NewChatServer(nc, keeper).Up(w.tb)
}
