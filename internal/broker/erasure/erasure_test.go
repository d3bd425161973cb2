package erasure_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/broker/erasure"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	toAlice   = `{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","from":"usrEDJUdpi63P4","content":"for-alice"}}`
	toBoth    = `{"to":{"782riWdFIwE":{},"EDJUdpi63P4":{"unread":2}},"payload":{"what":"msg","content":"for-both"}}`
	toBob     = `{"to":{"EDJUdpi63P4":{}},"payload":{"what":"msg","content":"for-bob"}}`
	fromAlice = `{"to":{"EDJUdpi63P4":{}},"payload":{"what":"msg","from":"usr782riWdFIwE","content":"by-alice"}}`
)

func aliceOf(tb testing.TB) push.Uid {
	tb.Helper()
	return push.ParseUserId("usr782riWdFIwE")
}

// eraseAll erases from every stream, and returns the counts by stream.
func eraseAll(t *testing.T, r *brokertest.Rig, dry bool) map[string]erasure.Counts {
	t.Helper()
	e := erasure.New(r.Conn, r.Topology)
	all := make(map[string]erasure.Counts)
	for _, stream := range e.Streams() {
		counts, err := e.Erase(t.Context(), stream, aliceOf(t), dry)
		if err != nil {
			t.Fatal(err)
		}
		counts.Where = ""
		all[stream] = counts
	}
	return all
}

// contents are the data of what is stored in a stream.
func contents(t *testing.T, r *brokertest.Rig, stream string) []string {
	t.Helper()
	var all []string
	for _, m := range r.Stored(t, stream) {
		all = append(all, string(m.Data))
	}
	return all
}

func wantContents(t *testing.T, r *brokertest.Rig, stream string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, contents(t, r, stream)); diff != "" {
		t.Errorf("%s holds (-want +got):\n%s", stream, diff)
	}
}

// eraseWorld has a bit of everything, of which the lane has settled the first two.
func eraseWorld(t *testing.T) *brokertest.Rig {
	t.Helper()
	r := brokertest.NewRig(t)
	for _, data := range []string{toBoth, fromAlice, toBoth, fromAlice, toAlice, toBob, "no receipt, 782riWdFIwE"} {
		r.Store(t, "push.receipts", data, nil)
	}
	brokertest.PullOne(t, r.Lane.Fresh)
	brokertest.PullOne(t, r.Lane.Fresh)
	brokertest.Eventually(t, "the lane's position is known", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 2 })
	r.Store(t, "push.retry.fcm", toAlice, nil)
	r.Store(t, "push.retry.fcm", toBoth, nil)
	r.Store(t, "push.schedule.fcm.x", toAlice, nats.Header{
		"Nats-Schedule": {"@at " + time.Now().Add(time.Hour).Format(time.RFC3339Nano)}, "Nats-Schedule-Target": {"push.retry.fcm"},
	})
	for i, data := range []string{toAlice, toBoth, fromAlice, toBob, "782riWdFIwE", toBoth, toBob, toBoth} {
		l := brokertest.Letter("fcm", i)
		l.Data = []byte(data)
		switch i {
		case 4, 5:
			l.Reason = "malformed"
		case 6:
			l.Error = "device of usr782riWdFIwE is gone"
		case 7:
			l.Truncated = true
			l.Data = l.Data[:40]
		}
		brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), l)
	}
	if _, err := events.Provision(t.Context(), r.Conn, r.Topology); err != nil {
		t.Fatal(err)
	}
	r.Store(t, "push.events.outcome", `{"users":["782riWdFIwE"]}`, nil)
	r.Store(t, "push.events.outcome", `{"users":["EDJUdpi63P4"]}`, nil)
	return r
}

func TestEraseLeavesWhatOthersAreOwed(t *testing.T) {
	t.Parallel()
	r := eraseWorld(t)
	first := map[string]erasure.Counts{
		"PUSH":        {Found: 6, Erased: 4, Owed: 2},
		"PUSH_RETRY":  {Found: 3, Erased: 2, Owed: 1},
		"PUSH_DEAD":   {Found: 7, Erased: 5, Narrowed: 2, Owed: 2},
		"PUSH_EVENTS": {Found: 1, Erased: 1},
	}
	before := contents(t, r, "PUSH_DEAD")
	if diff := cmp.Diff(first, eraseAll(t, r, true)); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	wantContents(t, r, "PUSH_DEAD", before...)
	if diff := cmp.Diff(first, eraseAll(t, r, false)); diff != "" {
		t.Errorf("erased (-want +got):\n%s", diff)
	}
	const bobsPart = `{"to":{"EDJUdpi63P4":{"delivered":0,"unread":2}},"payload":{"what":"msg","content":"for-both"}}`
	wantContents(t, r, "PUSH", toBoth, fromAlice, toBob)
	wantContents(t, r, "PUSH_RETRY", toBoth)
	wantContents(t, r, "PUSH_DEAD", fromAlice, toBob, toBoth[:40], bobsPart, toBob)
	wantContents(t, r, "PUSH_EVENTS", `{"users":["EDJUdpi63P4"]}`)
	for _, l := range brokertest.ListLetters(t, letters.New(r.Conn, r.Topology), letters.Filter{}) {
		if strings.Contains(l.Error, "782riWdFIwE") || string(l.Data) == bobsPart && (!l.Narrowed || l.Redrivable(time.Now()) != nil || l.StreamSeq != 1) {
			t.Errorf("the letter that was written anew is %+v", l)
		}
	}

	// Once the lanes have settled the rest, the rest goes.
	for range 3 {
		brokertest.PullOne(t, r.Lane.Fresh)
	}
	brokertest.PullOne(t, r.Lane.Retries)
	brokertest.Eventually(t, "the lane's position is known", func() bool { return r.Info(t, "fcm").AckFloor.Stream >= 6 })
	for _, seq := range []uint64{3, 8} {
		if _, err := letters.New(r.Conn, r.Topology).Erase(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]erasure.Counts{
		"PUSH": {Found: 2, Erased: 2}, "PUSH_RETRY": {}, "PUSH_DEAD": {}, "PUSH_EVENTS": {},
	}, eraseAll(t, r, false)); diff != "" {
		t.Errorf("erased at last (-want +got):\n%s", diff)
	}
	wantContents(t, r, "PUSH", toBob)
}

// An interrupted narrowing is one letter, and bob is still to be told.
func TestEraseInterruptedBetweenTwoLetters(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	l := brokertest.Letter("fcm", 1)
	l.Data = []byte(toBoth)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), l)
	cut := brokertest.NewProxy(t, r.Broker.URL(), func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("$JS.API.STREAM.MSG.DELETE.PUSH_DEAD"), []byte("$JS.API.STREAM.MSG.DEAD___.PUSH_DEAD"))
	})
	conn, err := broker.Connect(t.Context(), broker.Options{URL: cut.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	counts, err := erasure.New(conn, r.Topology).Erase(t.Context(), "PUSH_DEAD", aliceOf(t), false)
	if err == nil || counts.Erased != 0 {
		t.Fatalf("Erase = %+v, %v; want it to be cut off", counts, err)
	}
	if n := len(r.Stored(t, "PUSH_DEAD")); n != 2 {
		t.Fatalf("%d letters, want the old and the new one", n)
	}
	eraseAll(t, r, false)
	if n := len(r.Stored(t, "PUSH_DEAD")); n != 1 {
		t.Errorf("%d letters are left, want one", n)
	}
}

// Without a stream of events, or without any durable, it still goes.
func TestEraseWithoutEventsAndLanes(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	if err := r.JetStream.DeleteConsumer(t.Context(), "PUSH", "fcm"); err != nil {
		t.Fatal(err)
	}
	r.Store(t, "push.receipts", toBoth, nil)
	r.Store(t, "push.receipts", toAlice, nil)
	got := eraseAll(t, r, false)
	if diff := cmp.Diff(map[string]erasure.Counts{
		"PUSH": {Found: 2, Erased: 1, Owed: 1}, "PUSH_RETRY": {}, "PUSH_DEAD": {}, "PUSH_EVENTS": {},
	}, got); diff != "" {
		t.Errorf("erased (-want +got):\n%s", diff)
	}
}

// What was erased is in no file of the broker's any more.
func TestErasedBytesAreGoneFromTheDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, err := embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: dir, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	down := false
	defer func() {
		if !down {
			server.Shutdown()
		}
	}()
	conn, err := broker.Connect(t.Context(), broker.Options{URL: server.ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	topo := (&brokertest.Broker{}).Topology("fcm")
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	nc, js := brokertest.Client(t, server.ClientURL())
	defer nc.Close()
	for i := range 20 {
		data := []string{toAlice, toBob, fromAlice}[i%3]
		for _, subject := range []string{"push.receipts", "push.retry.fcm"} {
			if _, err := js.Publish(t.Context(), subject, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		l := brokertest.Letter("fcm", i)
		l.Data = []byte(data)
		brokertest.Bury(t, queue.NewDeadLetters(conn, topo), l)
	}
	for _, secret := range []string{"for-alice", "by-alice", "for-bob"} {
		brokertest.Eventually(t, secret+" is on the disk", func() bool { return len(filesWith(t, dir, secret)) == 3 })
	}
	eraser := erasure.New(conn, topo)
	for _, stream := range eraser.Streams() {
		counts, err := eraser.Erase(t.Context(), stream, aliceOf(t), false)
		if err != nil {
			t.Fatal(err)
		}
		if stream != "PUSH_EVENTS" && counts.Erased != 7 {
			t.Errorf("erased %+v, want 7", counts)
		}
	}
	// What alice wrote bob is still owed; dropping is what the operator does then.
	for l, err := range letters.New(conn, topo).List(t.Context(), letters.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(l.Data), "by-alice") {
			dropLetter(t, letters.New(conn, topo), l)
		}
	}
	wantFiles := func(when string) {
		t.Helper()
		for secret, streams := range map[string]int{"for-alice": 0, "by-alice": 2, "for-bob": 3} {
			if in := filesWith(t, dir, secret); len(in) != streams {
				t.Errorf("%s, %q is in the files %v, want %d", when, secret, in, streams)
			}
		}
	}
	wantFiles("afterwards")
	server.Shutdown()
	down = true
	wantFiles("after the broker's end")
}

func dropLetter(t *testing.T, reader *letters.Letters, l deadletter.Letter) {
	t.Helper()
	if was, err := reader.Erase(t.Context(), l.Seq); !was || err != nil {
		t.Fatalf("Erase = %t, %v", was, err)
	}
}

// filesWith names the files under dir that have text in them.
func filesWith(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			found = append(found, path)
		}
		return ignoreGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// ignoreGone ignores that the broker removes and renames files.
func ignoreGone(err error) error {
	if err == nil || os.IsNotExist(err) {
		return nil
	}
	return fmt.Errorf("reading the store: %w", err)
}

// These permissions are all that erasing takes.
func TestPermissionsToErase(t *testing.T) {
	t.Parallel()
	var may []string
	for _, stream := range []string{"PUSH", "PUSH_RETRY", "PUSH_DEAD", "PUSH_EVENTS"} {
		may = append(may, "$JS.API.DIRECT.GET."+stream, "$JS.API.STREAM.MSG.DELETE."+stream)
	}
	may = append(may, "$JS.API.STREAM.INFO.PUSH", "$JS.API.STREAM.INFO.PUSH_EVENTS", "$JS.API.CONSUMER.LIST.PUSH", "push.dead.>")
	url := brokertest.StartWithUsers(t,
		brokertest.User{Name: "admin", Publish: []string{">"}, Subscribe: []string{">"}},
		brokertest.User{Name: "erase", Publish: may, Subscribe: []string{"_INBOX.>"}},
	)
	topo := (&brokertest.Broker{}).Topology("fcm")
	r := &brokertest.Rig{Topology: topo, Conn: brokertest.ConnectTo(t, url("admin"), zerolog.Nop())}
	if _, err := topology.Provision(t.Context(), r.Conn, topo); err != nil {
		t.Fatal(err)
	}
	if _, err := events.Provision(t.Context(), r.Conn, topo); err != nil {
		t.Fatal(err)
	}
	r.NATS, r.JetStream = brokertest.Client(t, url("admin"))
	for _, subject := range []string{"push.receipts", "push.retry.fcm", "push.events.outcome"} {
		r.Store(t, subject, toAlice, nil)
	}
	l := brokertest.Letter("fcm", 1)
	l.Data = []byte(toBoth)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, topo), l)
	r.Conn = brokertest.ConnectTo(t, url("erase"), zerolog.Nop())
	for stream, counts := range eraseAll(t, r, false) {
		if counts.Erased != 1 {
			t.Errorf("%s: %+v, want one erased", stream, counts)
		}
	}
}
