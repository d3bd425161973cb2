package consumer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/pkg/push"
)

// diary is what a lane has logged.
type diary struct{ bytes.Buffer }

// at returns an adjustment that has the lane log to d, from level on.
func (d *diary) at(level zerolog.Level) func(*consumer.Config) {
	return func(c *consumer.Config) { c.Log = zerolog.New(zerolog.SyncWriter(d)).Level(level) }
}

// take returns the lines since it was last called.
func (d *diary) take(t *testing.T) []map[string]any {
	t.Helper()
	synctest.Wait()
	var lines []map[string]any
	for decoder := json.NewDecoder(d); decoder.More(); {
		var line map[string]any
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	d.Reset()
	return lines
}

// like returns the lines whose message has text in it.
func like(lines []map[string]any, text string) (found []map[string]any) {
	for _, line := range lines {
		if strings.Contains(line["message"].(string), text) {
			found = append(found, line)
		}
	}
	return found
}

// summary is one summary, all of whose figures are zero but those of nonzero.
func summary(message string, nonzero map[string]any) []map[string]any {
	line := map[string]any{"level": "info", "handler": "fcm", "message": message}
	for _, name := range []string{"acked", "expired", "buried", "redelivered", "dropped", "accepted", "skipped", "gone", "rejected"} {
		line[name] = 0.0
	}
	maps.Copy(line, nonzero)
	return []map[string]any{line}
}

// TestManyLettersAreFewLines: of a thousand pieces of garbage in a minute, five are
// told as they are and the others in one line; what was done is one line more. A lane
// that does nothing says nothing, and one that stops says what is not told yet.
func TestManyLettersAreFewLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		r := start(t, handler(t, 64, 4, func(_ context.Context, r *push.Receipt) error {
			r.Tally(push.Targets{Accepted: 2, Gone: 1, Skipped: 3})
			return nil
		}), d.at(zerolog.InfoLevel))
		for range 1000 {
			r.fresh.add(`garbage`, consumer.Origin{}, 0)
		}
		r.settled(50 * time.Second)
		<-time.After(time.Minute - 100*time.Millisecond) // since the lane began
		lines := d.take(t)
		want := summary("lane fcm: 1000 receipts settled in the last minute", map[string]any{"buried": 1000.0})
		want = append([]map[string]any{{
			"level": "warn", "handler": "fcm", "line": "bury", "count": 995.0, "message": "995 more lines like this in the last minute: bury",
		}}, want...)
		if n := len(lines); n != 7 || len(like(lines[:5], "bury")) != 5 {
			t.Fatalf("%d lines, want 5 letters, 1 of more of them and 1 summary: %v", n, lines)
		}
		if diff := cmp.Diff(want, lines[5:]); diff != "" {
			t.Errorf("the end of the minute (-want +got):\n%s", diff)
		}

		<-time.After(10 * time.Minute)
		if lines := d.take(t); len(lines) != 0 {
			t.Errorf("a lane without work says %v", lines)
		}

		<-time.After(10 * time.Second)
		for i := range 20 {
			r.fresh.add(receipt(i, 1), consumer.Origin{}, 0)
		}
		for range 7 {
			r.fresh.add(`garbage`, consumer.Origin{}, 0)
		}
		r.settled(10 * time.Second)
		past := time.Since(r.began).Round(time.Second) % time.Minute
		_ = r.end()
		lines = d.take(t)
		want = summary(fmt.Sprintf("lane fcm: 27 receipts settled in the last %s", past),
			map[string]any{"acked": 20.0, "buried": 7.0, "accepted": 40.0, "gone": 20.0, "skipped": 60.0})
		if diff := cmp.Diff(want, like(lines, "settled in")); diff != "" {
			t.Errorf("the last summary (-want +got):\n%s", diff)
		}
		if len(lines) != 8 || len(like(lines, "2 more lines like this in the last "+past.String()+": bury")) != 1 {
			t.Errorf("a lane that stops says %v", lines)
		}
	})
}

// TestManyRetriesAreFewLines: lines of retries do not grow with their number, the
// figures do, and minutes add up to what the metrics say.
func TestManyRetriesAreFewLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		r := start(t, handler(t, 64, 16, func(_ context.Context, r *push.Receipt) error {
			if r.Payload.SeqId%2 == 0 {
				return nil
			}
			return errFault
		}), d.at(zerolog.InfoLevel))
		for i := range 400 {
			r.fresh.add(receipt(i, 1), consumer.Origin{}, 0)
		}
		<-time.After(3 * time.Minute)
		_ = r.end()
		lines := d.take(t)
		var told, left float64
		for _, s := range like(lines, "receipts settled in") {
			told += s["redelivered"].(float64)
		}
		for _, s := range like(lines, "more lines like this") {
			left += s["count"].(float64)
		}
		single := 0
		for _, line := range lines {
			if line["message"] == "redeliver" {
				single++
			}
		}
		if want := r.metric("receipts_settled_total", "redeliver"); told != want || want < 400 {
			t.Errorf("the summaries tell of %v retries, the metric of %v, which should be hundreds", told, want)
		}
		stored := len(r.stores.scheduled())
		if single > 4*5 || float64(single)+left != float64(stored) {
			t.Errorf("%d lines and %v left out, want few, and %d altogether", single, left, stored)
		}
	})
}

// TestDebugFoldsNothing: whoever asks for every line gets it.
func TestDebugFoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		r := start(t, handler(t, 64, 4, func(context.Context, *push.Receipt) error { return nil }), d.at(zerolog.DebugLevel))
		for range 50 {
			r.fresh.add(`garbage`, consumer.Origin{}, 0)
		}
		r.settled(time.Minute)
		_ = r.end()
		lines := d.take(t)
		if n := len(like(lines, "bury")); n != 50 || len(like(lines, "more lines")) != 0 {
			t.Errorf("%d lines of 50 letters: %v", n, lines)
		}
	})
}

// fickle is a dead-letter store that takes every second letter, like a full stream from which
// something is removed now and then.
type fickle struct{ refuse atomic.Bool }

func (m *fickle) Bury(context.Context, deadletter.Letter) error {
	if m.refuse.CompareAndSwap(false, true) {
		return errNoStore
	}
	m.refuse.Store(false)
	return nil
}

// TestFailuresAreFewLines: what fails for each receipt does not fill the log, and the
// summary says what is wrong now.
func TestFailuresAreFewLines(t *testing.T) {
	t.Parallel()
	accept := func(context.Context, *push.Receipt) error { return nil }
	for name, tt := range map[string]struct {
		receipt string
		ackErr  error
		line    string
		lines   int
	}{
		"acks are lost":               {receipt(1, 1), errNoStore, "the ack could not be sent", 5 + 1},
		"recipients cannot be read":   {`{"to":{"nobody":{},"1001":{"unread":1}},"payload":{"what":"msg"}}`, nil, "recipients cannot be read", 5 + 1},
		"letters cannot be stored":    {`garbage`, nil, "dead letters cannot be stored", 5},
		"letters can be stored again": {`garbage`, nil, "dead letters can be stored again", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var d diary
				r := start(t, handler(t, 64, 4, accept), d.at(zerolog.InfoLevel), func(c *consumer.Config) {
					if tt.ackErr == nil {
						c.DeadLetters = new(fickle)
					}
				})
				r.fresh.ackErr = tt.ackErr
				for range 300 {
					r.fresh.add(tt.receipt, consumer.Origin{}, 0)
				}
				<-time.After(59 * time.Second)
				_ = r.end()
				lines := d.take(t)
				if n := len(like(lines, tt.line)); n != tt.lines {
					t.Errorf("%d lines, want %d: %v", n, tt.lines, lines)
				}
			})
		})
	}
}
