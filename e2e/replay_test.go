package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/blackbox/ledger"
)

// TestReplayUnderTraffic: a replay to a file and one through a handler, while receipts
// are published and a lane runs, give exactly what was asked for, and the lane shows
// nothing of it.
func TestReplayUnderTraffic(t *testing.T) {
	t.Parallel()
	const stored = 2000
	w, addr, env := embeddedWorker(t)
	conn, l, js := connect(t, addr), ledger.New(), jetStream(t, addr)
	publish(t, conn, l, stored, 10_000)
	drained(t, conn)
	before := consumers(t, js)

	live, end := context.WithCancel(t.Context())
	var traffic sync.WaitGroup
	traffic.Go(func() {
		for live.Err() == nil {
			publish(t, conn, l, 100, 1000) //nolint:contextcheck // what was begun is finished
		}
	})
	t.Cleanup(traffic.Wait)
	t.Cleanup(end) // before that
	flows := func(than int) {
		await(t, patience, "live receipts are delivered", func() bool { return position(t, js) > uint64(than) })
	}
	flows(stored)
	during := make(chan []map[string]string, 1)
	replayed := make(chan struct{})
	traffic.Go(func() { during <- watchConsumers(t, js, replayed) })

	file := filepath.Join(t.TempDir(), "replayed.jsonl")
	for _, to := range [][]string{{"--to", file}, {"--handler", "stdout", "--yes"}} {
		at := position(t, js)
		code, out, errs := command(t, env, append([]string{"replay", "--to-seq", strconv.Itoa(stored)}, to...)...)
		if to[0] == "--to" {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			out = string(text)
		}
		if code != 0 || strings.Count(out, "\n") != stored || !strings.Contains(errs, fmt.Sprintf("read %d, matched %d,", stored, stored)) {
			t.Errorf("replay %v ended with %d and %d receipts of %d: %s", to, code, strings.Count(out, "\n"), stored, errs)
		}
		flows(int(at))
	}
	close(replayed)
	looks := <-during
	end()
	traffic.Wait()
	drained(t, conn)

	if len(looks) == 0 {
		t.Error("nobody looked while it ran")
	}
	for _, look := range append(looks, consumers(t, js)) {
		if diff := cmp.Diff(before, look); diff != "" {
			t.Fatalf("consumers (-before +then):\n%s", diff)
		}
	}
	v := check(t, l, []*program{w})
	if v.Duplicated > 0 || v.OK != v.Sent {
		t.Errorf("%+v", v)
	}
	info := durable(t, js)
	if n := uint64(v.Sent); info.AckFloor.Stream != n || info.Delivered.Stream != n || info.Delivered.Consumer != n || info.NumRedelivered != 0 {
		t.Errorf("of %d published, the lane's position is %+v, %+v, redelivered %d", n, info.Delivered, info.AckFloor, info.NumRedelivered)
	}
	if n := settled(t, w); n != v.Sent {
		t.Errorf("the worker counts %d settled receipts, want %d", n, v.Sent)
	}
}

func jetStream(t *testing.T, addr string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect("nats://"+addr, nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// consumers are the consumers of all streams with receipts, and what must not change.
func consumers(t *testing.T, js jetstream.JetStream) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range []string{"PUSH", "PUSH_RETRY", "PUSH_DEAD"} {
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Error(err)
			return nil
		}
		list := stream.ListConsumers(t.Context())
		for info := range list.Info() {
			all[name+"/"+info.Name] = fmt.Sprintf("%s %+v redelivered %d", info.Created, info.Config, info.NumRedelivered)
		}
		if err := list.Err(); err != nil {
			t.Error(err)
		}
	}
	return all
}

// watchConsumers looks at the consumers until done is closed.
func watchConsumers(t *testing.T, js jetstream.JetStream, done <-chan struct{}) (looks []map[string]string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			looks = append(looks, consumers(t, js))
		case <-done:
			return looks
		}
	}
}

func durable(t *testing.T, js jetstream.JetStream) *jetstream.ConsumerInfo {
	t.Helper()
	c, err := js.Consumer(t.Context(), "PUSH", "stdout")
	if err != nil {
		t.Fatal(err)
	}
	return c.CachedInfo()
}

// position is the sequence up to which the lane has settled everything.
func position(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	return durable(t, js).AckFloor.Stream
}

// settled is how many receipts a worker's metrics count.
func settled(t *testing.T, w *program) (n int) {
	t.Helper()
	resp, err := http.Get("http://" + w.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, resp.Body)
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^pushworker_receipts_settled_total\{.*\} (\d+)$`).FindAllSubmatch(text, -1) {
		count, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		n += count
	}
	return n
}
