package letters_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// shown is the letter with sequence seq as a redriver gets it.
func shown(t *testing.T, r *brokertest.Rig, seq uint64) deadletter.Letter {
	t.Helper()
	l, err := letters.New(r.Conn, r.Topology).Show(t.Context(), seq)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func redrive(t *testing.T, r *brokertest.Rig, l deadletter.Letter) (again bool) {
	t.Helper()
	again, err := letters.NewRedriver(r.Conn, r.Topology).Redrive(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// The lane gets the receipt as one that was not tried, with its history, and nobody
// else does.
func TestRedrivenReceiptIsAsFreshForItsOwnLane(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.Handlers = []string{"fcm", "stdout"} })
	want := brokertest.Letter("fcm", 7)
	want.Redriven, want.Narrowed, want.Expires, want.Waited = 2, true, time.Now().Add(time.Hour).UTC().Round(0), 3*time.Hour
	want.Traced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), want)
	before := time.Now()
	if again := redrive(t, r, shown(t, r, 1)); again {
		t.Error("the first redrive says again")
	}
	m := brokertest.PullOne(t, r.Lane.Retries)
	o := m.Origin()
	if o.Restarted.Before(before) || o.Restarted.After(time.Now()) {
		t.Errorf("restarted at %v, want now", o.Restarted)
	}
	got := consumer.Origin{
		Attempts: o.Attempts, RootStream: o.RootStream, RootSeq: o.RootSeq, Subject: o.Subject, First: o.First,
		Expires: o.Expires, Waited: o.Waited, Redriven: o.Redriven, Narrowed: o.Narrowed, Header: o.Header, Traced: o.Traced,
	}
	if diff := cmp.Diff(consumer.Origin{
		RootStream: "PUSH", RootSeq: 7, Subject: "push.receipts.x", First: want.First,
		Expires: want.Expires, Waited: 3 * time.Hour, Redriven: 3, Narrowed: true, Header: want.Header, Traced: want.Traced,
	}, got); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
	if string(m.Data()) != string(want.Data) {
		t.Errorf("data are %s", m.Data())
	}
	for _, stream := range []string{"PUSH_DEAD", "PUSH", "PUSH_RETRY"} {
		brokertest.Eventually(t, "settled", func() bool { return len(r.Stored(t, stream)) == 0 })
	}
}

// A retry and a letter of what was redriven still say so.
func TestStoryOutlivesTheNextFailure(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("fcm", 7))
	redrive(t, r, shown(t, r, 1))
	o := brokertest.PullOne(t, r.Lane.Retries).Origin()
	o.Attempts = 1
	o.Narrowed = true
	if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), consumer.Retry{Handler: "fcm", Data: []byte("x"), Origin: *o}); err != nil {
		t.Fatal(err)
	}
	got := brokertest.PullOne(t, r.Lane.Retries).Origin()
	if got.Redriven != 1 || !got.Restarted.Equal(o.Restarted) || !got.Narrowed || got.Attempts != 1 {
		t.Errorf("the retry has %+v", got)
	}
}

// Interrupted between the confirmation and the removal, and done again: the lane has
// it once.
func TestInterruptedRedriveIsOneRedrive(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("fcm", 7))
	l := shown(t, r, 1)

	// A user who may do everything but delete is cut off at that very point.
	cut := brokertest.NewProxy(t, r.Broker.URL(), func(b []byte) []byte {
		return []byte(strings.ReplaceAll(string(b), "$JS.API.STREAM.MSG.DELETE.PUSH_DEAD", "$JS.API.STREAM.MSG.DEAD___.PUSH_DEAD"))
	})
	conn, err := broker.Connect(t.Context(), broker.Options{URL: cut.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = letters.NewRedriver(conn, r.Topology).Redrive(t.Context(), l)
	if !errors.Is(err, letters.ErrNotRemoved) {
		t.Fatalf("Redrive = %v, want ErrNotRemoved", err)
	}
	brokertest.WantError(t, err, "redrive it again")
	if len(r.Stored(t, "PUSH_RETRY")) != 1 || len(r.Stored(t, "PUSH_DEAD")) != 1 {
		t.Fatal("want the receipt stored and the letter kept")
	}
	brokertest.PullOne(t, r.Lane.Retries) // the lane may be quick

	if again := redrive(t, r, l); !again {
		t.Error("the second redrive does not say again")
	}
	brokertest.Eventually(t, "the retry is settled", func() bool { return len(r.Stored(t, "PUSH_RETRY")) == 0 })
	if n := len(r.Stored(t, "PUSH_DEAD")); n != 0 {
		t.Errorf("%d letters are left", n)
	}
	if again := redrive(t, r, l); !again { // and a letter that is gone does no harm
		t.Error("a letter that was redriven can be redriven")
	}
}

func TestRedriveOfWhatEndedProcessesRunsAlone(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	l := brokertest.Letter("fcm", 7)
	l.Reason = "crash_loop"
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), l)
	redrive(t, r, shown(t, r, 1))
	if m := brokertest.PullOne(t, r.Lane.Suspects); !m.Origin().Alone {
		t.Error("it does not run alone")
	}
}

func TestNotEveryLetterCanBeRedriven(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	tests := map[string]struct {
		change func(*deadletter.Letter)
		want   error
	}{
		"malformed":           {func(l *deadletter.Letter) { l.Reason, l.Handler = "malformed", "" }, deadletter.ErrNoReceipt},
		"malformed of a lane": {func(l *deadletter.Letter) { l.Reason = "malformed" }, deadletter.ErrNoReceipt},
		"oversize":            {func(l *deadletter.Letter) { l.Reason, l.Handler = "oversize", "" }, deadletter.ErrNoReceipt},
		"no lane":             {func(l *deadletter.Letter) { l.Handler = "" }, deadletter.ErrNoLane},
		"cut":                 {func(l *deadletter.Letter) { l.Truncated = true }, deadletter.ErrCut},
		"expired":             {func(l *deadletter.Letter) { l.Expires = time.Now() }, deadletter.ErrStale},
		"unknown lane":        {func(l *deadletter.Letter) { l.Handler = "apns" }, letters.ErrLaneMissing},
		"no lane's name":      {func(l *deadletter.Letter) { l.Handler = "a.>" }, letters.ErrLaneMissing},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := brokertest.Letter("fcm", 7)
			test.change(&l)
			redriver := letters.NewRedriver(r.Conn, r.Topology)
			_, err := redriver.Redrive(t.Context(), l)
			if !errors.Is(err, test.want) || !letters.Refused(err) {
				t.Errorf("Redrive = %v, want %v", err, test.want)
			}
			if err := redriver.Check(t.Context(), l); !errors.Is(err, test.want) {
				t.Errorf("Check = %v, want %v", err, test.want)
			}
			if n := len(r.Stored(t, "PUSH_RETRY")); n != 0 {
				t.Errorf("%d receipts were stored", n)
			}
		})
	}
}

// A full retry stream refuses, and the letter stays.
func TestRedriveIntoFullRetryStream(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.RetryMaxBytes = 500 })
	l := brokertest.Letter("fcm", 7)
	l.Data = make([]byte, 600)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), l)
	r.Store(t, "push.retry.fcm", string(l.Data), nil)
	_, err := letters.NewRedriver(r.Conn, r.Topology).Redrive(t.Context(), shown(t, r, 1))
	if !errors.Is(err, queue.ErrRetriesFull) || letters.Refused(err) {
		t.Errorf("Redrive = %v, want ErrRetriesFull, which is about all letters", err)
	}
	if len(r.Stored(t, "PUSH_RETRY")) != 1 || len(r.Stored(t, "PUSH_DEAD")) != 1 {
		t.Error("want nothing stored and the letter kept")
	}
}

// What cannot be stored keeps its letter.
func TestRedriveWithoutRetryStreamKeepsTheLetter(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("fcm", 7), brokertest.Letter("fcm", 8))
	redriver := letters.NewRedriver(r.Conn, r.Topology)
	if _, err := redriver.Redrive(t.Context(), shown(t, r, 1)); err != nil {
		t.Fatal(err)
	}
	if err := r.JetStream.DeleteStream(t.Context(), "PUSH_RETRY"); err != nil {
		t.Fatal(err)
	}
	_, err := redriver.Redrive(t.Context(), shown(t, r, 2))
	brokertest.WantError(t, err, "PUSH_RETRY", "pushworker provision")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := redriver.Redrive(ctx, shown(t, r, 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("Redrive = %v, want its context's error", err)
	}
	shown(t, r, 2)
}

func TestEraseAndRemoveOfLettersThatAreNotThere(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	reader := letters.New(r.Conn, r.Topology)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("fcm", 1), brokertest.Letter("fcm", 2), brokertest.Letter("fcm", 3))
	for seq, want := range map[uint64]bool{2: true, 4: false, 99: false, 0: false} {
		if was, err := reader.Erase(t.Context(), seq); was != want || err != nil {
			t.Errorf("Erase(%d) = %t, %v; want %t", seq, was, err, want)
		}
	}
	for range 2 {
		if was, err := reader.Erase(t.Context(), 2); was || err != nil {
			t.Errorf("Erase(2) again = %t, %v", was, err)
		}
		if err := reader.Remove(t.Context(), 2); err != nil {
			t.Error(err)
		}
	}
	if n := len(r.Stored(t, "PUSH_DEAD")); n != 2 {
		t.Errorf("%d letters are left, want 2", n)
	}
	if err := r.JetStream.DeleteStream(t.Context(), "PUSH_DEAD"); err != nil {
		t.Fatal(err)
	}
	brokertest.WantError(t, reader.Remove(t.Context(), 1), "PUSH_DEAD", "stream not found")
}

// The original of a letter that has not all of it is in history, as long as that
// stream is still the same.
func TestOriginalIsReadFromHistory(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Store(t, "push.receipts", "the whole receipt", nil)
	l := brokertest.Letter("fcm", 1)
	l.Narrowed, l.First = true, r.Stored(t, "PUSH")[0].Time
	reader := letters.New(r.Conn, r.Topology)
	if got, err := reader.Original(t.Context(), &l); string(got) != "the whole receipt" || err != nil {
		t.Errorf("Original = %q, %v", got, err)
	}
	for name, change := range map[string]func(*deadletter.Letter){
		"another":   func(l *deadletter.Letter) { l.First = l.First.Add(-time.Second) },
		"not there": func(l *deadletter.Letter) { l.StreamSeq = 2 },
	} {
		gone := l
		change(&gone)
		if _, err := reader.Original(t.Context(), &gone); !errors.Is(err, history.ErrNotStored) {
			t.Errorf("%s: Original = %v, want ErrNotStored", name, err)
		}
	}
}

// Without these permissions nothing goes, and with them all does.
func TestPermissionsToRedrive(t *testing.T) {
	t.Parallel()
	url := brokertest.StartWithUsers(t,
		brokertest.User{Name: "admin", Publish: []string{">"}, Subscribe: []string{">"}},
		brokertest.User{Name: "redrive", Subscribe: []string{"_INBOX.>"}, Publish: []string{
			"$JS.API.DIRECT.GET.PUSH_DEAD", "$JS.API.CONSUMER.INFO.PUSH_RETRY.fcm", "$JS.API.STREAM.INFO.PUSH_RETRY",
			"push.retry.fcm", "push.retry.fcm.suspects", "$JS.API.STREAM.MSG.DELETE.PUSH_DEAD",
		}},
		brokertest.User{Name: "look", Subscribe: []string{"_INBOX.>"}, Publish: []string{"$JS.API.DIRECT.GET.PUSH_DEAD"}},
	)
	connect := func(user string) *broker.Conn {
		c, err := broker.Connect(t.Context(), broker.Options{URL: url(user)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	admin := connect("admin")
	topo := (&brokertest.Broker{}).Topology("fcm")
	if _, err := topology.Provision(t.Context(), admin, topo); err != nil {
		t.Fatal(err)
	}
	alone := brokertest.Letter("fcm", 2)
	alone.Reason = "crash_loop"
	brokertest.Bury(t, queue.NewDeadLetters(admin, topo), brokertest.Letter("fcm", 1), alone)
	for user, ok := range map[string]bool{"look": false, "redrive": true} {
		conn := connect(user)
		for _, l := range brokertest.ListLetters(t, letters.New(admin, topo), letters.Filter{}) {
			_, err := letters.NewRedriver(conn, topo).Redrive(t.Context(), l)
			if denied := new(broker.DeniedError); (err == nil) != ok || !ok && !errors.As(err, &denied) {
				t.Errorf("%s: Redrive = %v", user, err)
			}
		}
		if !ok {
			continue
		}
		if n := len(brokertest.ListLetters(t, letters.New(admin, topo), letters.Filter{})); n != 0 {
			t.Errorf("%d letters are left", n)
		}
	}
}
