package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// bulky is a receipt to one user of its own with that many bytes of content.
func bulky(seq, bytes int) string {
	return fmt.Sprintf(`{"to":{"%d":{}},"payload":{"what":"msg","topic":"grp%d","seq":%d,"content":"%s"}}`, 1000+seq, seq, seq, strings.Repeat("x", bytes))
}

// TestHeldBytesAreBounded: a lane with a slow handler holds no more bytes than it may,
// whatever is offered; and it holds many receipts at a time.
func TestHeldBytesAreBounded(t *testing.T) {
	t.Parallel()
	const limit, size = int(consumer.DefaultMaxBytes), 990_000
	data := []byte(`{"payload":{"content":"` + strings.Repeat("x", size) + `"}}`)
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 1024, 16, func(_ context.Context, r *push.Receipt) error {
			<-time.After(time.Second)
			seen.note(r)
			return nil
		}))
		r.fresh.fill(3000, data)
		r.retries.fill(3000, data)
		most, counted := 0, 0
		r.until(time.Minute, "some are handled", func() bool {
			most = max(most, r.fresh.out()+r.retries.out())
			counted = max(counted, int(r.metric("lane_held_bytes")))
			return seen.count() > 100
		})
		_ = r.end()
		if most > limit || counted > limit || most > counted {
			t.Errorf("held %d bytes, counted %d; want at most %d", most, counted, limit)
		}
		if most < limit/4 {
			t.Errorf("held at most %d receipts at a time", most/size)
		}
		if held := r.metric("lane_held_bytes"); held != 0 {
			t.Errorf("%.0f bytes are still held", held)
		}
	})
}

// TestManyRecipientsCountAsWhatTheyTake in memory, and not as their bytes.
func TestManyRecipientsCountAsWhatTheyTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, handler(t, 1024, 16, func(context.Context, *push.Receipt) error {
			<-time.After(time.Second)
			return nil
		}), func(c *consumer.Config) { c.MaxBytes = 8 << 20 })
		for seq := 1; seq <= 100; seq++ {
			r.fresh.add(receipt(seq, 500), consumer.Origin{}, 0)
		}
		most := 0.0
		r.until(10*time.Minute, "all settled", func() bool {
			most = max(most, r.metric("lane_held_bytes"))
			return r.fresh.open() == 0
		})
		_ = r.end()
		if most > 5<<20 || most < 1<<20 {
			t.Errorf("held %.0f bytes, want up to the 5 MiB for fresh receipts", most)
		}
	})
}

// TestLargerThanTheBound passes alone, from each of the sources, and those after it too.
func TestLargerThanTheBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 64, 8, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			<-time.After(time.Second)
			return nil
		}), func(c *consumer.Config) { c.MaxBytes = 1 << 20 })
		for i, memStream := range []*memStream{r.fresh, r.retries, r.suspects} {
			for j := range 10 {
				size := 10
				if j%3 == 1 {
					size = 900_000
				}
				memStream.add(bulky(100*i+j, size), consumer.Origin{Alone: i == 2}, 0)
			}
		}
		most := 0
		r.until(time.Minute, "all settled", func() bool {
			most = max(most, r.fresh.out(), r.retries.out())
			return r.fresh.open()+r.retries.open()+r.suspects.open() == 0
		})
		_ = r.end()
		if got := len(seen.perSeq()); got != 30 || seen.count() != 30 {
			t.Errorf("%d of 30 were handled, in %d pushes", got, seen.count())
		}
		if most > 1_000_000 {
			t.Errorf("a source had %d bytes out, want one receipt alone", most)
		}
	})
}

// TestFullOfBytesStarvesNobody: retries and suspects are handled while fresh receipts
// fill their share, and the other way round.
func TestFullOfBytesStarvesNobody(t *testing.T) {
	t.Parallel()
	for _, full := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			var seen log
			r := start(t, handler(t, 1024, 1024, func(_ context.Context, r *push.Receipt) error {
				if r.Payload.SeqId < 1000 {
					<-release
				}
				seen.note(r)
				return nil
			}), func(c *consumer.Config) { c.MaxBytes = 8 << 20 })
			sources := []*memStream{r.fresh, r.retries}
			for seq := 1; seq <= 100; seq++ {
				sources[full].add(bulky(seq, 200_000), consumer.Origin{}, 0)
			}
			<-time.After(10 * time.Second)
			if held := sources[full].out(); held > 8<<20 || held == 0 {
				t.Errorf("%d bytes are held", held)
			}
			for seq := 1000; seq < 1020; seq++ {
				sources[1-full].add(bulky(seq, 200_000), consumer.Origin{}, 0)
			}
			r.suspects.add(bulky(1020, 200_000), consumer.Origin{Alone: true}, 0)
			r.until(time.Minute, "the others are handled", func() bool { return seen.count() == 21 })
			close(release)
			r.settled(time.Minute)
			_ = r.end()
		})
	}
}

// TestStopWhileWaitingForRoom: a lane that is full of bytes stops at once, and hands
// back what it holds.
func TestStopWhileWaitingForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, handler(t, 1024, 1024, func(ctx context.Context, _ *push.Receipt) error {
			<-ctx.Done()
			return push.ErrNotStarted
		}), func(c *consumer.Config) { c.MaxBytes, c.Grace = 8<<20, time.Second })
		for seq := 1; seq <= 100; seq++ {
			r.fresh.add(bulky(seq, 200_000), consumer.Origin{}, 0)
			r.retries.add(bulky(seq, 200_000), consumer.Origin{}, 0)
		}
		<-time.After(10 * time.Second)
		began := time.Now()
		_ = r.end()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the lane stopped after %s", took)
		}
		if held := r.metric("lane_held_bytes"); held != 0 {
			t.Errorf("%.0f bytes are still held", held)
		}
	})
}

// TestOutageWhileFullOfBytes: a probe finds room when the provider is back.
func TestOutageWhileFullOfBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r := start(t, handler(t, 1024, 16, func(context.Context, *push.Receipt) error {
			<-time.After(time.Second)
			if time.Since(began) < 20*time.Second {
				return push.Unavailable(errFault)
			}
			return nil
		}), func(c *consumer.Config) { c.MaxBytes = 1 << 20 })
		for seq := 1; seq <= 30; seq++ {
			r.fresh.add(bulky(seq, 300_000), consumer.Origin{}, 0)
		}
		r.settled(10 * time.Minute)
		_ = r.end()
	})
}
