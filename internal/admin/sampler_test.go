package admin_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// askerFunc answers with what the function returns.
type askerFunc func(context.Context) (status.Stats, error)

func (f askerFunc) Stats(ctx context.Context, _ topology.Topology) (status.Stats, error) {
	return f(ctx)
}

func laneGauges(t *testing.T, s *admin.Sampler) map[string]float64 {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(s)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := []string{f.GetName()}
			for _, l := range m.GetLabel() {
				name = append(name, l.GetName()+"="+l.GetValue())
			}
			got[strings.Join(name, " ")] = m.GetGauge().GetValue()
		}
	}
	return got
}

func TestSamplerExportsTheLatestAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := []status.Stats{
			{
				AbandonedDurables: 3,
				Lanes:             []status.LaneStats{{Handler: "fcm", Pending: 1, RetriesWaiting: 10, OldestPendingSeconds: 7, Paused: true}},
				Streams: []status.StreamStats{
					{Stream: "PUSH", Messages: 3, Bytes: 4, MaxBytes: 5}, {Stream: "PUSH_DEAD", Messages: 6, Bytes: 8, MaxBytes: -1},
				},
			},
			{Lanes: []status.LaneStats{{Handler: "fcm", Pending: 2, RetriesWaiting: 10}}},
		}
		b := askerFunc(func(context.Context) (status.Stats, error) {
			if len(answers) == 0 {
				return status.Stats{}, errors.New("no broker")
			}
			first := answers[0]
			answers = answers[1:]
			return first, nil
		})
		s := admin.NewSampler(b, topology.Topology{Stream: "PUSH", Handlers: []string{"fcm"}}, 0)
		checkGauges(t, s, "before the first answer", map[string]float64{})
		stop := runSampler(t, s)

		synctest.Wait()
		checkGauges(t, s, "after the first answer", map[string]float64{
			"pushworker_lane_pending handler=fcm scope=cluster":                    1,
			"pushworker_lane_retries_waiting handler=fcm scope=cluster":            10,
			"pushworker_lane_oldest_pending_age_seconds handler=fcm scope=cluster": 7,
			"pushworker_lane_paused handler=fcm scope=cluster":                     1,
			"pushworker_stream_messages scope=cluster stream=PUSH":                 3,
			"pushworker_stream_bytes scope=cluster stream=PUSH":                    4,
			"pushworker_stream_limit_bytes scope=cluster stream=PUSH":              5,
			"pushworker_stream_messages scope=cluster stream=PUSH_DEAD":            6,
			"pushworker_stream_bytes scope=cluster stream=PUSH_DEAD":               8,
			"pushworker_stream_limit_bytes scope=cluster stream=PUSH_DEAD":         -1,
			"pushworker_dead_letters_waiting scope=cluster":                        6,
			"pushworker_abandoned_durables scope=cluster":                          3,
		})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		checkGauges(t, s, "after five seconds", map[string]float64{
			"pushworker_lane_pending handler=fcm scope=cluster":                    2,
			"pushworker_lane_retries_waiting handler=fcm scope=cluster":            10,
			"pushworker_lane_oldest_pending_age_seconds handler=fcm scope=cluster": 0,
			"pushworker_lane_paused handler=fcm scope=cluster":                     0,
		})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		checkGauges(t, s, "without an answer", map[string]float64{})
		if last := s.Last(); last.Err == nil || !last.Time.Equal(time.Now()) {
			t.Errorf("the last sample is of %s with error %v", last.Time, last.Err)
		}
		stop()
	})
}

func checkGauges(t *testing.T, s *admin.Sampler, when string, want map[string]float64) {
	t.Helper()
	if diff := cmp.Diff(want, laneGauges(t, s)); diff != "" {
		t.Errorf("gauges %s (-want +got):\n%s", when, diff)
	}
}

// runSampler starts s and returns what ends it.
func runSampler(t *testing.T, s *admin.Sampler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v", err)
		}
	}
}

func TestScrapeDoesNotWaitForTheBroker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		b := askerFunc(func(ctx context.Context) (status.Stats, error) {
			calls++
			<-ctx.Done()
			return status.Stats{}, ctx.Err()
		})
		s := admin.NewSampler(b, topology.Topology{}, time.Second)
		stop := runSampler(t, s)
		synctest.Wait()
		before := time.Now()
		laneGauges(t, s)
		if waited := time.Since(before); waited != 0 {
			t.Errorf("the scrape waited %s", waited)
		}
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if calls != 2 {
			t.Errorf("a silent broker was asked %d times in 1.5 s, want 2: each question ends after the interval", calls)
		}
		stop()
	})
}
