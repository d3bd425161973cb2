package broker_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
)

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
