package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/pkg/push"
)

// receipt is a receipt to user seq%2+1, stored a second after the one before.
func receipt(seq uint64) replay.Stored {
	return replay.Stored{
		Seq: seq, Time: time.Unix(1_000+int64(seq), 0),
		Data: fmt.Appendf(nil, `{"to":{%q:{}},"payload":{"what":"msg","topic":"grp","seq":%d}}`, push.Uid(seq%2+1).String(), seq),
	}
}

// stored yields the receipts from first to last, then err if there is one.
func stored(first, last uint64, err error) iter.Seq2[replay.Stored, error] {
	return func(yield func(replay.Stored, error) bool) {
		for seq := first; seq <= last; seq++ {
			if !yield(receipt(seq), nil) {
				return
			}
		}
		if err != nil {
			yield(replay.Stored{}, err)
		}
	}
}

func lines(first, last uint64) string {
	var b strings.Builder
	for seq := first; seq <= last; seq++ {
		b.Write(receipt(seq).Data)
		b.WriteByte('\n')
	}
	return b.String()
}

func TestFilterMatches(t *testing.T) {
	t.Parallel()
	r := &push.Receipt{
		To: map[push.Uid]push.Recipient{7: {}}, Channel: "chnA",
		Payload: push.Payload{What: push.ActMsg, Topic: "grpA"},
	}
	for name, test := range map[string]struct {
		filter replay.Filter
		want   bool
	}{
		"all":           {replay.Filter{}, true},
		"user":          {replay.Filter{User: 7}, true},
		"another user":  {replay.Filter{User: 8}, false},
		"topic":         {replay.Filter{Topic: "grpA"}, true},
		"channel":       {replay.Filter{Topic: "chnA"}, true},
		"another topic": {replay.Filter{Topic: "grp"}, false},
		"what":          {replay.Filter{What: "msg"}, true},
		"another what":  {replay.Filter{What: "sub"}, false},
		"each":          {replay.Filter{User: 7, Topic: "grpA", What: "msg"}, true},
		"all but one":   {replay.Filter{User: 7, Topic: "grpA", What: "sub"}, false},
	} {
		if got := test.filter.Matches(r); got != test.want {
			t.Errorf("%s: Matches = %t, want %t", name, got, test.want)
		}
	}
}

func TestReplayCountsWhatItReads(t *testing.T) {
	t.Parallel()
	source := func(yield func(replay.Stored, error) bool) {
		_ = yield(replay.Stored{Seq: 3, Data: []byte("no receipt")}, nil) &&
			yield(receipt(4), nil) && yield(receipt(5), nil) && yield(receipt(9), nil)
	}
	var out bytes.Buffer
	p := &replay.Replay{Filter: replay.Filter{User: 2}, Sink: replay.NewLines(&out, 0, nil), From: replay.Position{Next: 2}}
	at, tally, err := p.Run(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lines(5, 5)+lines(9, 9), out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(replay.Tally{Read: 4, Malformed: 1, Matched: 2, Sent: 2}, tally); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(replay.Position{Next: 10, Offset: int64(out.Len())}, at); diff != "" {
		t.Errorf("position (-want +got):\n%s", diff)
	}
}

func TestReplayStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	for limit, limited := range map[int64]bool{3: true, 5: false, 6: false} {
		var out bytes.Buffer
		p := &replay.Replay{Limit: limit, Sink: replay.NewLines(&out, 0, nil), From: replay.Position{Next: 1}}
		at, tally, err := p.Run(t.Context(), stored(1, 5, nil))
		want := uint64(min(limit, 5))
		if err != nil || p.Limited != limited || at.Next != want+1 || tally.Matched != int64(want) || out.String() != lines(1, want) {
			t.Errorf("limit %d: limited %t, at %d, %+v, %v", limit, p.Limited, at.Next, tally, err)
		}
	}
}

func TestReplayPassesOnWhatWentWrong(t *testing.T) {
	t.Parallel()
	broken := errors.New("the broker is gone")
	var out bytes.Buffer
	p := &replay.Replay{Sink: replay.NewLines(&out, 0, nil), From: replay.Position{Next: 1}}
	at, tally, err := p.Run(t.Context(), stored(1, 4, broken))
	if !errors.Is(err, broken) || at.Next != 5 || tally.Sent != 4 || out.String() != lines(1, 4) {
		t.Errorf("at %d, %+v, %v, output %q", at.Next, tally, err, out.String())
	}
	full := errors.New("disk full")
	p = &replay.Replay{Sink: replay.NewLines(&out, 0, func() error { return full }), From: replay.Position{Next: 1}}
	if _, _, err := p.Run(t.Context(), stored(1, 4, nil)); !errors.Is(err, full) {
		t.Errorf("Run = %v, want the error of the disk", err)
	}
}

// The position is kept as the replay goes, because a process may be killed.
func TestReplayKeepsItsPosition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var kept []uint64
		p := &replay.Replay{
			Sink: replay.NewLines(&out, 0, nil), From: replay.Position{Next: 1}, Pace: replay.Pace{Rate: 1},
			Save: func(at replay.Position, tally replay.Tally) error {
				if int64(out.Len()) != at.Offset || tally.Sent != int64(at.Next)-1 {
					t.Errorf("kept %+v and %+v with %d bytes written", at, tally, out.Len())
				}
				kept = append(kept, at.Next)
				return nil
			},
		}
		if _, _, err := p.Run(t.Context(), stored(1, 4, nil)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]uint64{3, 4, 5, 5}, kept); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
	})
}

func TestInterruptedReplayGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		p := &replay.Replay{Sink: replay.NewLines(&out, 0, nil), From: replay.Position{Next: 1}, Pace: replay.Pace{Speed: 1}}
		at, tally, err := p.Run(ctx, stored(1, 5, nil))
		if !errors.Is(err, replay.ErrInterrupted) || at.Start() != 4 {
			t.Fatalf("interrupted at %d: %v", at.Start(), err)
		}
		p = &replay.Replay{Sink: replay.NewLines(&out, at.Offset, nil), From: at, Before: tally}
		at, tally, err = p.Run(t.Context(), stored(at.Start(), 5, nil))
		if err != nil || at.Start() != 6 || at.Offset != int64(out.Len()) {
			t.Errorf("at %+v, %v", at, err)
		}
		if diff := cmp.Diff(lines(1, 5), out.String()); diff != "" {
			t.Errorf("output (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(replay.Tally{Read: 5, Matched: 5, Sent: 5}, tally); diff != "" {
			t.Errorf("tally (-want +got):\n%s", diff)
		}
	})
}
