package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestRoundTripIsMeasuredWhenSomebodyReads: a reading shows what was measured after the
// one before, and waits for nothing; without readings nothing is sent.
func TestRoundTripIsMeasuredWhenSomebodyReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var pings, takes atomic.Int64
		var gone, silent atomic.Bool
		takes.Store(int64(3 * time.Millisecond))
		r := &roundTrip{
			connected: func() bool { return !gone.Load() },
			ping: func(context.Context) (time.Duration, error) {
				pings.Add(1)
				took := time.Duration(takes.Load())
				time.Sleep(took)
				if silent.Load() {
					return 0, errors.New("no answer")
				}
				return took, nil
			},
			wanted: make(chan struct{}, 1), desc: prometheus.NewDesc("pushworker_broker_round_trip_seconds", "x", nil, nil),
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(r)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		read := func() (value float64, shown bool) {
			time.Sleep(time.Minute)
			synctest.Wait()
			families, err := registry.Gather()
			defer synctest.Wait()
			if err != nil {
				t.Fatal(err)
			}
			if len(families) == 0 {
				return 0, false
			}
			return families[0].GetMetric()[0].GetGauge().GetValue(), true
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := pings.Load(); n != 1 {
			t.Errorf("%d pings in an hour without a reading, want one at the start", n)
		}
		takes.Store(int64(7 * time.Millisecond))
		if got, _ := read(); got != 0.003 {
			t.Errorf("the first reading shows %g, want what was measured at the start", got)
		}
		if got, _ := read(); got != 0.007 {
			t.Errorf("the second reading shows %g, want what was measured after the first", got)
		}
		gone.Store(true)
		if _, shown := read(); shown {
			t.Error("it is shown without a connection")
		}
		gone.Store(false)
		silent.Store(true)
		read()
		if _, shown := read(); shown {
			t.Error("it is shown although the broker has not answered")
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run ends with %v", err)
		}
	})
}
