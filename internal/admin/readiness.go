package admin

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// readyEvery is how often a [Readiness] runs its checks, and unreadyEvery how often
// while one of them fails.
const readyEvery, unreadyEvery = 5 * time.Second, time.Second

// Readiness runs the checks of /readyz from time to time, so that a scrape need not
// wait for them, and logs when the answer changes. Make one with Checks and Log.
type Readiness struct {
	// Checks are run in this order.
	Checks []Check
	// Log gets a line when the process becomes ready and when it stops being so.
	Log zerolog.Logger

	ready atomic.Bool
	// warnings are the latest; they belong to Run.
	warnings string
}

// Run runs the checks at once and then every 5 s, every second while one fails, until
// ctx ends, and returns nil.
func (r *Readiness) Run(ctx context.Context) error {
	defer r.ready.Store(false)
	for {
		r.look(ctx)
		next := time.NewTimer(r.pause())
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return nil
		}
	}
}

// pause is how long to wait for the next look: a start is told at once.
func (r *Readiness) pause() time.Duration {
	if r.ready.Load() {
		return readyEvery
	}
	return unreadyEvery
}

// look runs the checks once.
func (r *Readiness) look(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	report, ready := runChecks(within, r.Checks)
	if ctx.Err() != nil {
		return
	}
	if now := warnings(report); now != r.warnings {
		if r.warnings = now; now != "" {
			r.Log.Warn().Str("checks", now).Msg("readiness checks report problems: correct what they name")
		} else {
			r.Log.Info().Msg("readiness checks report no problems any more")
		}
	}
	if r.ready.Swap(ready) == ready {
		return
	}
	if ready {
		r.Log.Info().Msg("ready")
		return
	}
	r.Log.Warn().Str("checks", report).Msg("not ready: see the failed checks")
}

// Gauge is pushworker_ready, the answer of the latest checks.
func (r *Readiness) Gauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pushworker_ready", Help: "1 while this process is ready: what /readyz answered to the checks of the last 5 s.",
	}, func() float64 { return boolean(r.ready.Load()) })
}
