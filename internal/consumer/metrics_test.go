package consumer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestHandleDurationLeavesOutWaiting: three receipts whose handler takes two
// seconds for each, one at a time, have worked six seconds and waited six.
func TestHandleDurationLeavesOutWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, handler(t, 8, 1, func(context.Context, *push.Receipt) error {
			<-time.After(2 * time.Second)
			return nil
		}))
		if got := r.metric("lane_slots"); got != 9 {
			t.Errorf("lane_slots = %v, want the 8 of the channel and one for a suspect", got)
		}
		for seq := range 3 {
			r.fresh.add(receipt(seq+1, 1), consumer.Origin{}, 0)
		}
		r.until(time.Second, "the lane holds all", func() bool { return r.metric("lane_slots_used") == 3 })
		r.settled(time.Minute)
		_ = r.end()
		for name, want := range map[string]float64{"handle_duration_seconds": 6, "handle_wait_seconds": 0 + 2 + 4} {
			if count, sum := r.histogram(name); count != 3 || sum < want-0.1 || sum > want+0.1 {
				t.Errorf("%s has %d samples of %v s altogether, want 3 of %v s", name, count, sum, want)
			}
		}
	})
}

// hasty is a registry that is scraped after each thing that is registered.
type hasty struct {
	*prometheus.Registry

	scrape func()
}

func (h hasty) MustRegister(all ...prometheus.Collector) {
	h.Registry.MustRegister(all...)
	h.scrape()
}

// TestScrapedWhileItIsMade: who scrapes as soon as a lane's metrics are there sees all of the
// lane.
func TestScrapedWhileItIsMade(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	scrapes := 0
	metrics := consumer.NewMetrics(hasty{reg, func() {
		families, err := reg.Gather()
		if err != nil {
			t.Error(err)
		}
		for _, family := range families {
			if family.GetName() != "pushworker_lane_slots" {
				continue
			}
			scrapes++
			if got := family.GetMetric()[0].GetGauge().GetValue(); got != 9 {
				t.Errorf("lane_slots = %v, want the 8 of the channel and one for a suspect", got)
			}
		}
	}})
	fresh, retries, suspects := newMemStream("PUSH", ackWait), newMemStream("PUSH_RETRY", ackWait), newMemStream("PUSH_RETRY", ackWait)
	consumer.New(consumer.Config{
		Name: "fcm", Handler: &plain{ch: make(chan *push.Receipt, 8)}, Fresh: []consumer.Source{fresh}, Retries: retries, Suspects: suspects,
		Metrics: metrics, Log: zerolog.Nop(),
	})
	if scrapes == 0 {
		t.Error("no scrape has seen lane_slots")
	}
}

// histogram reads one histogram of the lane.
func (r *rig) histogram(name string) (count uint64, sum float64) {
	r.t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "pushworker_"+name {
			h := family.GetMetric()[0].GetHistogram()
			if len(h.GetBucket()) == 0 || len(h.GetPositiveSpan()) == 0 {
				r.t.Errorf("%s has %d classic buckets and %d native spans, want both", name, len(h.GetBucket()), len(h.GetPositiveSpan()))
			}
			return h.GetSampleCount(), h.GetSampleSum()
		}
	}
	r.t.Fatalf("no metric %s", name)
	return 0, 0
}
