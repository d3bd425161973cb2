package replay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

// clock is a sink that notes when it got what.
type clock struct {
	began   time.Time
	times   []time.Duration
	flushed int
	// busy is how long it takes over each.
	busy time.Duration
}

func (c *clock) Take(ctx context.Context, _ replay.Stored, _ *push.Receipt) error {
	c.times = append(c.times, time.Since(c.began))
	return sleep.For(ctx, c.busy)
}

func (c *clock) Flush() error {
	c.flushed++
	return nil
}

func (*clock) Position(next uint64, _ *replay.Tally) (replay.Position, error) {
	return replay.Position{Next: next}, nil
}
func (*clock) Finish(context.Context) error { return nil }
func (*clock) Count(*replay.Tally)          {}

func TestPace(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		pace replay.Pace
		busy time.Duration
		want []time.Duration
	}{
		"as fast as it can":           {replay.Pace{}, 0, []time.Duration{0, 0, 0, 0}},
		"at a rate":                   {replay.Pace{Rate: 10}, 0, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms}},
		"at a rate it cannot keep":    {replay.Pace{Rate: 10}, 150 * ms, []time.Duration{0, 150 * ms, 300 * ms, 450 * ms}},
		"in real time":                {replay.Pace{Speed: 1}, 0, []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}},
		"ten times as fast":           {replay.Pace{Speed: 10}, 0, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms}},
		"half as fast":                {replay.Pace{Speed: 0.5}, 0, []time.Duration{0, 2 * time.Second, 4 * time.Second, 6 * time.Second}},
		"makes up for a slow sink":    {replay.Pace{Speed: 1}, 600 * ms, []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}},
		"the slower counts, the rate": {replay.Pace{Speed: 100, Rate: 10}, 0, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &clock{began: time.Now(), busy: test.busy}
				p := &replay.Replay{Pace: test.pace, Sink: c, From: replay.Position{Next: 1}}
				if _, _, err := p.Run(t.Context(), stored(1, 4, nil)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, c.times); diff != "" {
					t.Errorf("times (-want +got):\n%s", diff)
				}
				if waits := test.busy == 0 && test.pace != (replay.Pace{}); waits && c.flushed == 0 {
					t.Error("nothing was brought out before a wait")
				}
			})
		})
	}
}

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"50/s": 50, "50": 50, "600/m": 10, "7200/h": 2, "0.5/s": 0.5} {
		if got, err := replay.ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "/s", "50/", "50/d", "0/s", "-1", "NaN", "Inf", "1e300", "5 /s", "1e-300"} {
		if got, err := replay.ParseRate(text); err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseSpeed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"1x": 1, "10x": 10, "0.5x": 0.5, "2": 2, "max": 0} {
		if got, err := replay.ParseSpeed(text); err != nil || got != want {
			t.Errorf("ParseSpeed(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "0x", "-1x", "fast", "1xx", "NaNx"} {
		if got, err := replay.ParseSpeed(text); err == nil {
			t.Errorf("ParseSpeed(%q) = %v, want an error", text, got)
		}
	}
}
