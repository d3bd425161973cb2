package broker_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/deadletter"
)

func TestLetterComesBackAsItWasBuried(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	letters := broker.NewLetters(r.conn, r.topo)
	want := letter("fcm", 7)
	want.Narrowed, want.Redriven, want.Expires = true, 2, want.Last.Add(time.Hour)
	bury(t, broker.NewDeadLetters(r.conn, r.topo), want)
	want.Seq, want.Stored = 1, r.stored(t, "PUSH_DEAD")[0].Time
	got, err := letters.Show(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Show (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]deadletter.Letter{want}, list(t, letters, broker.LetterFilter{})); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if s := r.stored(t, "PUSH_DEAD")[0].Subject; s != "push.dead.fcm" {
		t.Errorf("subject is %s", s)
	}
}

// newest are the sequences of the newest letters.
func newest(t *testing.T, l *broker.Letters, f broker.LetterFilter) (seqs []uint64) {
	t.Helper()
	for seq, err := range broker.NewestLetters(t.Context(), l, f, func(l deadletter.Letter) uint64 { return l.Seq }) {
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, seq)
	}
	return seqs
}

// newestOf are the sequences of the last limit letters, the last first; all of them
// for 0.
func newestOf(letters []deadletter.Letter, limit int) (seqs []uint64) {
	for _, l := range slices.Backward(letters) {
		seqs = append(seqs, l.Seq)
	}
	if limit > 0 {
		seqs = seqs[:min(limit, len(seqs))]
	}
	return seqs
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	letters := broker.NewLetters(r.conn, r.topo)
	const n = 600 // more than two batches
	for i := range n {
		l := letter([]string{"fcm", "stdout", ""}[i%3], i)
		if i%2 == 0 {
			l.Reason = "age"
		}
		bury(t, broker.NewDeadLetters(r.conn, r.topo), l)
	}
	middle := r.stored(t, "PUSH_DEAD")[n/2].Time
	tests := map[string]struct {
		filter broker.LetterFilter
		want   int
	}{
		"all":                {broker.LetterFilter{}, n},
		"handler":            {broker.LetterFilter{Handler: "fcm"}, n / 3},
		"unknown handler":    {broker.LetterFilter{Handler: "apns"}, 0},
		"reason":             {broker.LetterFilter{Reason: "age"}, n / 2},
		"handler and reason": {broker.LetterFilter{Handler: "fcm", Reason: "age"}, n / 6},
		"since":              {broker.LetterFilter{Since: middle}, n / 2},
		"since now":          {broker.LetterFilter{Since: time.Now().Add(time.Minute)}, 0},
		"limit":              {broker.LetterFilter{Limit: 5}, 5},
		"limit and reason":   {broker.LetterFilter{Reason: "age", Limit: 260}, 260},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := list(t, letters, test.filter)
			if want := newestOf(list(t, letters, broker.LetterFilter{Handler: test.filter.Handler, Reason: test.filter.Reason, Since: test.filter.Since}), test.filter.Limit); !slices.Equal(want, newest(t, letters, test.filter)) {
				t.Errorf("the newest are %d, want %d", newest(t, letters, test.filter), want)
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
	r := newRig(t)
	letters := broker.NewLetters(r.conn, r.topo)
	bury(t, broker.NewDeadLetters(r.conn, r.topo), letter("fcm", 1), letter("fcm", 2))
	s, err := r.js.Stream(t.Context(), "PUSH_DEAD")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{0, 1, 3} {
		_, err := letters.Show(t.Context(), seq)
		if !errors.Is(err, broker.ErrNoLetter) {
			t.Errorf("Show(%d) = %v, want ErrNoLetter", seq, err)
		}
		wantError(t, err, strconv.FormatUint(seq, 10), "PUSH_DEAD", "deadletter ls")
	}
}

func TestLetterHeadersAreClean(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := letter("fcm", 1)
	l.Error = "a\r\nPush-Reason: evil"
	l.ID = "id\r\nX: y"
	l.Subject = "s\nX: y"
	l.Header = map[string][]string{"X\r\nY": {"1"}, "Nats-Rollup": {"all"}, "Huge": {strings.Repeat("z", 70_000)}}
	bury(t, broker.NewDeadLetters(r.conn, r.topo), l)
	h := r.stored(t, "PUSH_DEAD")[0].Header
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
	r := newRig(t)
	if _, err := broker.ProvisionDevices(t.Context(), r.conn, 1); err != nil {
		t.Fatal(err)
	}
	for _, h := range []nats.Header{
		nil,
		{"Push-Handler": {"other"}, "Push-Reason": {"permanent"}, "Push-Narrowed": {"true"}, "Push-Origin-Stream": {"KV_push-devices"}, "Push-Origin-Seq": {"1"}},
		{"Push-Handler": {"fcm"}, "Push-Narrowed": {"true"}, "Push-Origin-Stream": {"KV_push-devices"}, "Push-Origin-Seq": {"1"}},
	} {
		r.store(t, "push.dead.fcm", `{"ok":true}`, h)
	}
	letters, redriver := broker.NewLetters(r.conn, r.topo), broker.NewRedriver(r.conn, r.topo)
	for _, l := range list(t, letters, broker.LetterFilter{Handler: "fcm"}) {
		if l.Handler != "fcm" || !l.Foreign || l.Error == "" {
			t.Errorf("letter %+v", l)
		}
		if err := redriver.Check(t.Context(), l); !errors.Is(err, deadletter.ErrForeign) || !broker.Refused(err) {
			t.Errorf("redriving it: %v", err)
		}
		if data, err := letters.Original(t.Context(), &l); err != nil || !strings.Contains(string(data), "ok") {
			t.Errorf("its original is %q, %v: another stream's message", data, err)
		}
	}
	bury(t, broker.NewDeadLetters(r.conn, r.topo), letter("fcm", 1))
	if l := shown(t, r, 4); l.Foreign {
		t.Errorf("a worker's letter counts as forged: %+v", l)
	}
}
