package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// session is a publish whose input and output are pipes.
type session struct {
	in     *io.PipeWriter
	out    *bufio.Scanner
	stderr *bytes.Buffer // to be read after the end
	code   <-chan int
	stop   context.CancelFunc
}

func startPublish(t *testing.T, b *brokertest.Broker) session {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	inReader, inWriter := io.Pipe()
	outReader, outWriter := io.Pipe()
	code, stderr := make(chan int, 1), new(bytes.Buffer)
	go func() {
		env := []string{"PUSHWORKER_NATS_URL=" + b.URL()}
		code <- cli.Run(ctx, ours(), []string{"publish", "-o", "jsonl"}, env, inReader, outWriter, stderr)
		_ = outWriter.Close() // never fails
	}()
	t.Cleanup(func() { _ = inWriter.Close() }) // ends the read that nothing else can end
	return session{inWriter, bufio.NewScanner(outReader), stderr, code, stop}
}

func provision(t *testing.T, b *brokertest.Broker) {
	t.Helper()
	if _, err := topology.Provision(t.Context(), b.Connect(t), b.Topology("stdout")); err != nil {
		t.Fatal(err)
	}
}

// publishOne writes one receipt and waits until it is told as stored, although
// the input goes on.
func (s session) publishOne(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(s.in, `{"payload":{"what":"msg","seq":1}}`+"\n"); err != nil {
		t.Fatal(err)
	}
	if !s.out.Scan() || s.out.Text() != `{"stream":"PUSH","seq":1,"duplicate":false,"input":"stdin:1"}` {
		t.Fatalf("told %q: %v", s.out.Text(), s.out.Err())
	}
}

func TestPublishTellsWhileInputGoesOn(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	provision(t, b)
	s := startPublish(t, b)
	s.publishOne(t)
	if err := s.in.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-s.code; code != app.ExitOK {
		t.Errorf("exit code %d: %s", code, s.stderr)
	}
}

func TestPublishEndsWhenInterruptedWhileItReads(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	provision(t, b)
	s := startPublish(t, b)
	s.publishOne(t)
	s.stop()
	if code := <-s.code; code != app.ExitUnfinished || !strings.Contains(s.stderr.String(), "interrupted") {
		t.Errorf("exit code %d: %s", code, s.stderr)
	}
}

func TestPublishEndsWhenTheBrokerStops(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	provision(t, b)
	s := startPublish(t, b)
	s.publishOne(t)
	b.Stop(t)
	if _, err := io.WriteString(s.in, `{"payload":{"what":"msg","seq":2}}`+"\n"); err != nil {
		t.Fatal(err)
	}
	if code := <-s.code; code != app.ExitUnavailable || !strings.Contains(s.stderr.String(), "stdin:2 and what follows") {
		t.Errorf("exit code %d: %s", code, s.stderr)
	}
}

// publishTraced publishes a receipt as a chat server does that has traces.
func publishTraced(ts *testscript.TestScript, _ bool, args []string) {
	nc, err := publisher.Connect(fmt.Sprintf(`{"url":%q}`, ts.Getenv("PUSHWORKER_NATS_URL")))
	ts.Check(err)
	defer nc.Close()
	p, err := publisher.New(nc, publisher.Config{})
	ts.Check(err)
	_, err = p.PublishRaw(worldOf(ts).tb.Context(), []byte(ts.ReadFile(args[0])), publisher.Header("Traceparent", args[1]))
	ts.Check(err)
}
