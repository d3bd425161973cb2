package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/ledger"
	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// fcmWorld is a broker, a fake FCM and workers, each a process of its own, and the
// test's own connection to the broker.
type fcmWorld struct {
	*testing.T
	dir, addr   string // of the broker
	fakeAddr    string
	credentials string // the file that workers read
	config      string // more keys of the handler's config
	fake        *program
	fakes       []*program // all that ever ran
	conn        *broker.Conn
	ledger      *ledger.Ledger
}

// newFCMWorld starts the broker and the fake. config is more keys of the handler,
// each with a comma in front.
func newFCMWorld(t *testing.T, config string) *fcmWorld {
	t.Helper()
	w := &fcmWorld{
		T: t, dir: t.TempDir(), addr: address.For(t), fakeAddr: address.For(t), config: config,
		ledger: ledger.New(),
	}
	w.credentials = filepath.Join(w.dir, "fake.json")
	startBroker(t, w.dir, w.addr)
	w.startFake("--credentials", w.credentials)
	w.conn = connect(t, w.addr)
	return w
}

// startFake runs `pushworker fakefcm` and waits until it serves.
func (w *fcmWorld) startFake(args ...string) {
	w.Helper()
	p := start(w.T, process.Spec{
		Name: "fake", Dir: w.dir, Env: []string{"PATH=" + os.Getenv("PATH")},
		Args: append([]string{binary, "fakefcm", "--addr", w.fakeAddr, "--reveal"}, args...),
	})
	await(w.T, patience, "the fake says where it is", func() bool { return strings.Contains(p.log(), "fake FCM at") })
	w.fake, w.fakes = p, append(w.fakes, p)
}

// env is what every command of this world needs.
func (w *fcmWorld) env() []string { return []string{"PUSHWORKER_NATS_URL=nats://" + w.addr} }

// handlers is the configuration of the fcm handler, and of more.
func (w *fcmWorld) handlers(more string) string {
	return `PUSHWORKER_HANDLERS=[{"name":"fcm","config":{"credentials_file":"` + w.credentials +
		`","endpoint":"http://` + w.fakeAddr + `/v1"` + w.config + `}}` + more + `]`
}

// worker starts a worker with the fcm handler and waits until it is ready.
func (w *fcmWorld) worker(env ...string) *program {
	w.Helper()
	p := startWorker(w.T, w.dir, append(append(w.env(), "PUSHWORKER_ACK_WAIT=3s", "PUSHWORKER_RETRY_BASE=200ms", w.handlers("")), env...)...)
	p.ready(patience)
	return p
}

// ask calls the fake's own interface and returns what it says.
func (w *fcmWorld) ask(method, path, body string) []byte {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, "http://"+w.fakeAddr+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer closed(w.T, resp.Body)
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.Fatalf("%s %s: %d, %v: %s", method, path, resp.StatusCode, err, text)
	}
	return text
}

// script has the fake follow these rules from now on.
func (w *fcmWorld) script(rules string) {
	w.Helper()
	w.ask(http.MethodPost, "/fake/script", `{"rules":[`+rules+`]}`)
}

// fakeStats are counters of the fake.
type fakeStats struct {
	Requests, Accepted int64
	Open, Streams      int64
	MaxStreams         int64            `json:"max_streams"`
	Status             map[string]int64 `json:"status"`
	Targets            map[string]struct{ Requests, Accepted int64 }
}

func (w *fcmWorld) stats() (s fakeStats) {
	w.Helper()
	if err := json.Unmarshal(w.ask(http.MethodGet, "/fake/stats?targets", ""), &s); err != nil {
		w.Fatal(err)
	}
	return s
}

// request is a line of the fake's log.
type request struct {
	Time     time.Time
	Target   string
	Answer   string
	Status   int
	After    string `json:"retry_after"`
	Accepted bool
	Body     struct {
		Message struct {
			Data    map[string]string
			Android struct {
				Collapse string `json:"collapse_key"`
			}
		}
	}
}

// seq is the number of the message.
func (r *request) seq() (n int) {
	_, _ = fmt.Sscan(r.Body.Message.Data["seq"], &n) // 0 is no message of ours
	return n
}

// requests are all that the fakes have logged.
func (w *fcmWorld) requests() []request {
	w.Helper()
	var all []request
	for _, fake := range w.fakes {
		for line := range strings.Lines(read(w.T, fake.Out())) {
			if line[len(line)-1] != '\n' { // not yet whole
				break
			}
			var r request
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				w.Fatalf("the fake logs %q: %v", line, err)
			}
			all = append(all, r)
		}
	}
	return all
}

// user is whose device the message is to, 0 if it is nobody's.
func (r *request) user() (u push.Uid) {
	n := 0
	if _, err := fmt.Sscanf(r.Target, tokenForm, &n); err == nil {
		u = userOf(n)
	}
	return u
}

// tokenForm is the form of tokens.
const tokenForm = "token-%04d"

// tokenOf is the token of the only device of user n.
func tokenOf(n int) string { return fmt.Sprintf(tokenForm, n) }

// userOf is user n; there is no user 0.
func userOf(n int) push.Uid { return push.Uid(0x10_0000 + n) }

// crowd registers a device for each of the users 1 to n with `device import`.
func (w *fcmWorld) crowd(n int) {
	w.Helper()
	var lines strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&lines, `{"user":%q,"id":"d%d","provider":"fcm","platform":"android","token":%q}`+"\n",
			userOf(i).UserId(), i, tokenOf(i))
	}
	w.register(lines.String())
}

// register registers devices from JSON lines.
func (w *fcmWorld) register(lines string) {
	w.Helper()
	file := filepath.Join(w.dir, "devices.jsonl")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		w.Fatal(err)
	}
	if code, out, errs := command(w.T, w.env(), "device", "import", file); code != 0 {
		w.Fatalf("device import ended with %d: %s%s", code, out, errs)
	}
}

// message is the next message, to these users.
func (w *fcmWorld) message(users ...push.Uid) *push.Receipt {
	to := make([]uint64, len(users))
	for i, u := range users {
		to[i] = uint64(u)
	}
	seq := w.ledger.Sent(to)
	r := &push.Receipt{To: make(map[push.Uid]push.Recipient, len(users)), Payload: push.Payload{
		What: push.ActMsg, Topic: "grpE2E", SeqId: seq, From: "usr782riWdFIwE", Timestamp: time.Now(), Content: "hello",
	}}
	for _, u := range users {
		r.To[u] = push.Recipient{Unread: 1}
	}
	return r
}

// load publishes messages at rate per second, each to one of users 1 to n in turn,
// until over is closed, and returns when all are confirmed or given up.
func (w *fcmWorld) load(over <-chan struct{}, n, rate int) {
	w.Helper()
	pub, err := w.conn.Publisher(publisher.Config{})
	if err != nil {
		w.Error(err)
		return
	}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	running := true
	for i := 0; running; i++ {
		r := w.message(userOf(1 + i%n))
		err := pub.PublishAsync(w.Context(), r, func(_ publisher.Ack, err error) {
			if err == nil {
				w.ledger.Acked(r.Payload.SeqId)
			}
		})
		if err != nil {
			w.Errorf("publish %d: %v", r.Payload.SeqId, err)
		}
		select {
		case <-tick.C:
		case <-over:
			running = false
		}
	}
	if err := errors.Join(pub.Flush(w.Context()), pub.Close(w.Context())); err != nil {
		w.Errorf("publisher: %v", err)
	}
}

// underLoad runs f while messages are published.
func (w *fcmWorld) underLoad(n, rate int, f func()) {
	w.Helper()
	over := make(chan struct{})
	var publishing sync.WaitGroup
	publishing.Go(func() { w.load(over, n, rate) })
	defer publishing.Wait()
	defer close(over)
	f()
}

// publish publishes r and waits for its confirmation.
func (w *fcmWorld) publish(r *push.Receipt) {
	w.Helper()
	pub, err := w.conn.Publisher(publisher.Config{})
	if err != nil {
		w.Fatal(err)
	}
	_, err = pub.Publish(w.Context(), r)
	if err := errors.Join(err, pub.Close(w.Context())); err != nil {
		w.Fatal(err)
	}
	w.ledger.Acked(r.Payload.SeqId)
}

// lane is the state of a lane over all processes.
func (w *fcmWorld) lane(handler string) (status.LaneStats, bool) {
	return laneOf(w.Context(), w.conn, handler)
}

// laneOf is the state of a lane over all processes that conn's broker has.
func laneOf(ctx context.Context, conn *broker.Conn, handler string) (status.LaneStats, bool) {
	stats, err := status.NewReader(conn).Stats(ctx, topology.Topology{Stream: "PUSH", Subject: "push.receipts", Handlers: []string{handler}})
	if err != nil || len(stats.Lanes) != 1 {
		return status.LaneStats{}, false
	}
	return stats.Lanes[0], true
}

// arrived waits until n messages have been accepted.
func (w *fcmWorld) arrived(n int64) {
	w.Helper()
	await(w.T, patience, fmt.Sprintf("%d pushes arrive", n), func() bool { return w.stats().Accepted >= n })
}

// drained waits until the lanes have nothing left to do.
func (w *fcmWorld) drained(handlers ...string) {
	w.Helper()
	for _, handler := range append(handlers, "fcm") {
		await(w.T, patience, "lane "+handler+" is drained", func() bool {
			l, ok := w.lane(handler)
			return ok && l.Pending == 0 && l.InFlight == 0 && l.RetriesWaiting == 0
		})
	}
}

// letters counts the dead letters.
func (w *fcmWorld) letters() int {
	w.Helper()
	code, out, errs := command(w.T, w.env(), "deadletter", "ls", "--all", "-o", "jsonl")
	if code != 0 {
		w.Fatalf("deadletter ls ended with %d: %s", code, errs)
	}
	return strings.Count(out, "\n")
}

// delivery is a message to a token.
type delivery struct {
	seq    int
	target string
}

// deliveries counts how often each message was accepted for each token.
func (w *fcmWorld) deliveries() map[delivery]int {
	w.Helper()
	all := make(map[delivery]int)
	for _, r := range w.requests() {
		if r.Accepted {
			all[delivery{r.seq(), r.Target}]++
		}
	}
	return all
}

// check wants that each confirmed message has arrived at everybody it is to, under
// one collapse key, that nothing became a letter, and at most so many copies.
func (w *fcmWorld) check(copies int) {
	w.Helper()
	var e ledger.Evidence
	for _, r := range w.requests() {
		if r.Accepted {
			e.Arrivals = append(e.Arrivals, ledger.Arrival{Seq: r.seq(), User: uint64(r.user()), Collapse: r.Body.Message.Android.Collapse})
		}
	}
	v := w.ledger.Check(e)
	w.Logf("%+v", v)
	if letters := w.letters(); v.Lost > 0 || v.Unexpected > 0 || letters > 0 || v.Duplicated > copies {
		w.Errorf("%d lost, %d unexpected, %d letters, %d copies; want none, none, none, at most %d", v.Lost, v.Unexpected, letters, v.Duplicated, copies)
	}
}

// metric is the sum of a worker's series whose line begins with name.
func metric(t *testing.T, p *program, name string) (sum float64) {
	t.Helper()
	for line := range strings.Lines(page(t, p, "/metrics")) {
		if strings.HasPrefix(line, name) {
			var v float64
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &v); err != nil {
				t.Errorf("metric %q: %v", line, err)
			}
			sum += v
		}
	}
	return sum
}

// page is a page of a worker's admin address.
func page(t *testing.T, p *program, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + p.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, resp.Body)
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
