package letters_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/deadletter"
)

func TestLetterComesBackAsItWasBuried(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	reader := letters.New(r.Conn, r.Topology)
	want := brokertest.Letter("fcm", 7)
	want.Narrowed, want.Redriven, want.Expires, want.Waited = true, 2, want.Last.Add(time.Hour), 3*time.Hour
	want.Traced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), want)
	want.Seq, want.Stored = 1, r.Stored(t, "PUSH_DEAD")[0].Time
	got, err := reader.Show(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Show (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]deadletter.Letter{want}, brokertest.ListLetters(t, reader, letters.Filter{})); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if s := r.Stored(t, "PUSH_DEAD")[0].Subject; s != "push.dead.fcm" {
		t.Errorf("subject is %s", s)
	}
}

// newest are the sequences of the newest letters.
func newest(t *testing.T, l *letters.Letters, f letters.Filter) (seqs []uint64) {
	t.Helper()
	for seq, err := range letters.Newest(t.Context(), l, f, func(l deadletter.Letter) uint64 { return l.Seq }) {
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, seq)
	}
	return seqs
}

// newestOf are the sequences of the last limit letters, the last first; all of them
// for 0.
func newestOf(reader []deadletter.Letter, limit int) (seqs []uint64) {
	for _, l := range slices.Backward(reader) {
		seqs = append(seqs, l.Seq)
	}
	if limit > 0 {
		seqs = seqs[:min(limit, len(seqs))]
	}
	return seqs
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	reader := letters.New(r.Conn, r.Topology)
	const n = 600 // more than two batches
	for i := range n {
		l := brokertest.Letter([]string{"fcm", "stdout", ""}[i%3], i)
		if i%2 == 0 {
			l.Reason = "age"
		}
		brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), l)
	}
	middle := r.Stored(t, "PUSH_DEAD")[n/2].Time
	tests := map[string]struct {
		filter letters.Filter
		want   int
	}{
		"all":                {letters.Filter{}, n},
		"handler":            {letters.Filter{Handler: "fcm"}, n / 3},
		"unknown handler":    {letters.Filter{Handler: "apns"}, 0},
		"reason":             {letters.Filter{Reason: "age"}, n / 2},
		"handler and reason": {letters.Filter{Handler: "fcm", Reason: "age"}, n / 6},
		"since":              {letters.Filter{Since: middle}, n / 2},
		"since now":          {letters.Filter{Since: time.Now().Add(time.Minute)}, 0},
		"limit":              {letters.Filter{Limit: 5}, 5},
		"limit and reason":   {letters.Filter{Reason: "age", Limit: 260}, 260},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := brokertest.ListLetters(t, reader, test.filter)
			if want := newestOf(brokertest.ListLetters(t, reader, letters.Filter{Handler: test.filter.Handler, Reason: test.filter.Reason, Since: test.filter.Since}), test.filter.Limit); !slices.Equal(want, newest(t, reader, test.filter)) {
				t.Errorf("the newest are %d, want %d", newest(t, reader, test.filter), want)
			}
			if len(got) != test.want {
				t.Errorf("%d letters, want %d", len(got), test.want)
			}
			for i, l := range got {
				if f := test.filter; f.Handler != "" && l.Handler != f.Handler || f.Reason != "" && l.Reason != f.Reason {
					t.Fatalf("letter %+v does not match %+v", l, f)
				}
				if i > 0 && l.Seq <= got[i-1].Seq {
					t.Fatal("letters are not in order")
				}
			}
		})
	}
}

func TestShowSaysThatThereIsNone(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	reader := letters.New(r.Conn, r.Topology)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("fcm", 1), brokertest.Letter("fcm", 2))
	s, err := r.JetStream.Stream(t.Context(), "PUSH_DEAD")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{0, 1, 3} {
		_, err := reader.Show(t.Context(), seq)
		if !errors.Is(err, letters.ErrNoLetter) {
			t.Errorf("Show(%d) = %v, want ErrNoLetter", seq, err)
		}
		brokertest.WantError(t, err, strconv.FormatUint(seq, 10), "PUSH_DEAD", "deadletter ls")
	}
}

func TestLetterHeadersAreClean(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	l := brokertest.Letter("fcm", 1)
	l.Error = "a\r\nPush-Reason: evil"
	l.ID = "id\r\nX: y"
	l.Subject = "s\nX: y"
	l.Header = map[string][]string{"X\r\nY": {"1"}, "Nats-Rollup": {"all"}, "Huge": {strings.Repeat("z", 70_000)}}
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), l)
	h := r.Stored(t, "PUSH_DEAD")[0].Header
	for name, want := range map[string]string{
		"Push-Error": "a  Push-Reason: evil", "Push-Reason": "permanent", "X": "", "Y": "", "Nats-Rollup": "", "Push-Origin-Subject": "s X: y",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// A letter is believed only if it says what its subject says, which permissions guard.
func TestForgedLetterIsNotBelieved(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	if _, err := devices.Provision(t.Context(), r.Conn, 1); err != nil {
		t.Fatal(err)
	}
	for _, h := range []nats.Header{
		nil,
		{"Push-Handler": {"other"}, "Push-Reason": {"permanent"}, "Push-Narrowed": {"true"}, "Push-Origin-Stream": {"KV_push-devices"}, "Push-Origin-Seq": {"1"}},
		{"Push-Handler": {"fcm"}, "Push-Narrowed": {"true"}, "Push-Origin-Stream": {"KV_push-devices"}, "Push-Origin-Seq": {"1"}},
	} {
		r.Store(t, "push.dead.fcm", `{"ok":true}`, h)
	}
	reader, redriver := letters.New(r.Conn, r.Topology), letters.NewRedriver(r.Conn, r.Topology)
	for _, l := range brokertest.ListLetters(t, reader, letters.Filter{Handler: "fcm"}) {
		if l.Handler != "fcm" || !l.Foreign || l.Error == "" {
			t.Errorf("letter %+v", l)
		}
		if err := redriver.Check(t.Context(), l); !errors.Is(err, deadletter.ErrForeign) || !letters.Refused(err) {
			t.Errorf("redriving it: %v", err)
		}
		if data, err := reader.Original(t.Context(), &l); err != nil || !strings.Contains(string(data), "ok") {
			t.Errorf("its original is %q, %v: another stream's message", data, err)
		}
	}
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("fcm", 1))
	if l := shown(t, r, 4); l.Foreign {
		t.Errorf("a worker's letter counts as forged: %+v", l)
	}
}
