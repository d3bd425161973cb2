package queue_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

func TestBuryingTwiceIsOneLetter(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	for range 3 {
		brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("fcm", 1), brokertest.Letter("stdout", 1), brokertest.Letter("", 1), brokertest.Letter("", 2))
	}
	if n := len(r.Stored(t, "PUSH_DEAD")); n != 4 {
		t.Errorf("%d letters are stored, want 4", n)
	}
}

// The dedup window forgets; a lane that was stopped for a day finds the same
// malformed bytes that another lane has buried long ago.
func TestMalformedLetterIsWrittenOnceBeyondTheDedupWindow(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	s, err := r.JetStream.Stream(t.Context(), "PUSH_DEAD")
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.Duplicates = 100 * time.Millisecond
	if _, err := r.JetStream.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("", 1), brokertest.Letter("fcm", 1))
	// The window is over once the lane's own letter is written again.
	brokertest.Eventually(t, "the dedup window is over", func() bool {
		brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("fcm", 1))
		return len(r.Stored(t, "PUSH_DEAD")) == 3
	})
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), brokertest.Letter("", 1))
	if n := len(r.Stored(t, "PUSH_DEAD")); n != 3 {
		t.Errorf("%d letters are stored, want 3", n)
	}
}

func TestLetterThatIsTooBigIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	reader := letters.New(r.Conn, r.Topology)
	big, fits := brokertest.Letter("", 1), brokertest.Letter("fcm", 2)
	big.Data = bytes.Repeat([]byte("x"), int(r.NATS.MaxPayload()))
	fits.Data = bytes.Repeat([]byte("y"), int(r.NATS.MaxPayload())-4096)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), big, fits)
	got := brokertest.ListLetters(t, reader, letters.Filter{})
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
	r := brokertest.NewRig(t)
	limitSize(t, r.JetStream, "PUSH_DEAD", 3000)
	big := brokertest.Letter("fcm", 7)
	big.Data = make([]byte, 3000)
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), big)
	got := brokertest.ListLetters(t, letters.New(r.Conn, r.Topology), letters.Filter{})
	if len(got) != 1 || !got[0].Truncated || got[0].StreamSeq != 7 {
		t.Errorf("letters are %+v, want one without its data", got)
	}
}

func TestBuryWaitsForTheConfirmation(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	reader, dead := letters.New(r.Conn, r.Topology), queue.NewDeadLetters(r.Conn, r.Topology)
	if err := r.JetStream.DeleteStream(t.Context(), "PUSH_DEAD"); err != nil {
		t.Fatal(err)
	}
	for _, handler := range []string{"fcm", ""} {
		brokertest.WantError(t, dead.Bury(t.Context(), brokertest.Letter(handler, 7)), "writing the dead letter of message 7 of stream PUSH")
	}
	for _, err := range reader.List(t.Context(), letters.Filter{}) {
		brokertest.WantError(t, err, "PUSH_DEAD", "pushworker provision")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := dead.Bury(ctx, brokertest.Letter("fcm", 8)); !errors.Is(err, context.Canceled) {
		t.Errorf("Bury = %v, want its context's error", err)
	}
}

// A dead-letter stream that is full refuses, so that the receipt stays.
func TestFullDeadLetterStreamRefuses(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.DeadMaxBytes = 2000 })
	dead := queue.NewDeadLetters(r.Conn, r.Topology)
	l := brokertest.Letter("fcm", 1)
	l.Data = make([]byte, 1000)
	brokertest.Bury(t, dead, l)
	l.ID += "2"
	brokertest.WantError(t, dead.Bury(t.Context(), l), "maximum bytes exceeded")
	if n := len(r.Stored(t, "PUSH_DEAD")); n != 1 {
		t.Errorf("%d letters are stored, want the first one kept", n)
	}
}

// A stream that refuses a letter even without its data gets the least that says where the
// receipt is.
func TestLetterWhoseHeadersAreTooBigIsStillWritten(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	limitSize(t, r.JetStream, "PUSH_DEAD", 1000)
	l := brokertest.Letter("fcm", 1)
	l.Error, l.Header = strings.Repeat("e", 1000), map[string][]string{"X": {strings.Repeat("h", 5000)}}
	brokertest.Bury(t, queue.NewDeadLetters(r.Conn, r.Topology), l)
	got := brokertest.ListLetters(t, letters.New(r.Conn, r.Topology), letters.Filter{})
	if len(got) != 1 || !got[0].Truncated || got[0].StreamSeq != 1 || got[0].Error == "" || got[0].Header != nil {
		t.Errorf("the letters are %+v", got)
	}
}
