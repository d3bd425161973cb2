package broker_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/deadletter"
)

func letter(handler string, seq int) deadletter.Letter {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	return deadletter.Letter{
		Handler: handler, Reason: "permanent", Error: "token is gone", Attempts: 3, First: now, Last: now.Add(time.Minute),
		Stream: "PUSH", StreamSeq: uint64(seq), Subject: "push.receipts.x", ID: "PUSH:" + strconv.Itoa(seq) + ":abc:" + handler,
		Data: []byte(`{"to":null}`), Header: map[string][]string{"traceparent": {"00-abc"}},
	}
}

func bury(t *testing.T, d *broker.DeadLetters, letters ...deadletter.Letter) {
	t.Helper()
	for _, x := range letters {
		if err := d.Bury(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
}

func list(t *testing.T, l *broker.Letters, f broker.LetterFilter) []deadletter.Letter {
	t.Helper()
	var all []deadletter.Letter
	for x, err := range l.List(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

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

func TestBuryingTwiceIsOneLetter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 3 {
		bury(t, broker.NewDeadLetters(r.conn, r.topo), letter("fcm", 1), letter("stdout", 1), letter("", 1), letter("", 2))
	}
	if n := len(r.stored(t, "PUSH_DEAD")); n != 4 {
		t.Errorf("%d letters are stored, want 4", n)
	}
}

// The dedup window forgets; a lane that was stopped for a day finds the same
// malformed bytes that another lane has buried long ago.
func TestMalformedLetterIsWrittenOnceBeyondTheDedupWindow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s, err := r.js.Stream(t.Context(), "PUSH_DEAD")
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.Duplicates = 100 * time.Millisecond
	if _, err := r.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	bury(t, broker.NewDeadLetters(r.conn, r.topo), letter("", 1), letter("fcm", 1))
	// The window is over once the lane's own letter is written again.
	eventually(t, "the dedup window is over", func() bool {
		bury(t, broker.NewDeadLetters(r.conn, r.topo), letter("fcm", 1))
		return len(r.stored(t, "PUSH_DEAD")) == 3
	})
	bury(t, broker.NewDeadLetters(r.conn, r.topo), letter("", 1))
	if n := len(r.stored(t, "PUSH_DEAD")); n != 3 {
		t.Errorf("%d letters are stored, want 3", n)
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

func TestLetterThatIsTooBigIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	letters := broker.NewLetters(r.conn, r.topo)
	big, fits := letter("", 1), letter("fcm", 2)
	big.Data = bytes.Repeat([]byte("x"), int(r.nc.MaxPayload()))
	fits.Data = bytes.Repeat([]byte("y"), int(r.nc.MaxPayload())-4096)
	bury(t, broker.NewDeadLetters(r.conn, r.topo), big, fits)
	got := list(t, letters, broker.LetterFilter{})
	if !got[0].Truncated || len(got[0].Data) < len(big.Data)-4096 || !bytes.HasPrefix(big.Data, got[0].Data) {
		t.Errorf("the big one has %d bytes, truncated %t", len(got[0].Data), got[0].Truncated)
	}
	if got[1].Truncated || !bytes.Equal(got[1].Data, fits.Data) {
		t.Errorf("the one that fits has %d bytes, truncated %t", len(got[1].Data), got[1].Truncated)
	}
}

// A stream may be stricter than the broker.
func TestLetterThatIsTooBigForItsStreamSaysWhereTheReceiptIs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	limitSize(t, r.js, "PUSH_DEAD", 3000)
	big := letter("fcm", 7)
	big.Data = make([]byte, 3000)
	bury(t, broker.NewDeadLetters(r.conn, r.topo), big)
	got := list(t, broker.NewLetters(r.conn, r.topo), broker.LetterFilter{})
	if len(got) != 1 || !got[0].Truncated || got[0].StreamSeq != 7 {
		t.Errorf("letters are %+v, want one without its data", got)
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

func TestBuryWaitsForTheConfirmation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	letters, dead := broker.NewLetters(r.conn, r.topo), broker.NewDeadLetters(r.conn, r.topo)
	if err := r.js.DeleteStream(t.Context(), "PUSH_DEAD"); err != nil {
		t.Fatal(err)
	}
	for _, handler := range []string{"fcm", ""} {
		wantError(t, dead.Bury(t.Context(), letter(handler, 7)), "writing the dead letter of message 7 of stream PUSH")
	}
	for _, err := range letters.List(t.Context(), broker.LetterFilter{}) {
		wantError(t, err, "PUSH_DEAD", "PUSHWORKER_PROVISION")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := dead.Bury(ctx, letter("fcm", 8)); !errors.Is(err, context.Canceled) {
		t.Errorf("Bury = %v, want its context's error", err)
	}
}

// A dead-letter stream that is full refuses, so that the receipt stays.
func TestFullDeadLetterStreamRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(topo *broker.Topology) { topo.DeadMaxBytes = 2000 })
	dead := broker.NewDeadLetters(r.conn, r.topo)
	l := letter("fcm", 1)
	l.Data = make([]byte, 1000)
	bury(t, dead, l)
	l.ID += "2"
	wantError(t, dead.Bury(t.Context(), l), "maximum bytes exceeded")
	if n := len(r.stored(t, "PUSH_DEAD")); n != 1 {
		t.Errorf("%d letters are stored, want the first one kept", n)
	}
}
