package replay

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/pushworker/pushworker/internal/sleep"
)

// lateness is how much a rate makes up for waits that were too long; more would come
// as a burst.
const lateness = 20 * time.Millisecond

// Pace says how fast a replay goes. The zero value is as fast as it can; with both,
// the slower counts.
type Pace struct {
	// Rate is how many receipts a second; 0 for no bound.
	Rate float64
	// Speed keeps the time between receipts, as they were stored, divided by Speed; 0
	// for not keeping it.
	Speed float64

	began, first time.Time // when the first one went, and when it was stored
	limiter      *rate.Limiter
}

// wait waits until a receipt that was stored at t is due, after a call of flush.
func (p *Pace) wait(ctx context.Context, t time.Time, flush func() error) error {
	now := time.Now()
	if p.began.IsZero() {
		p.began, p.first = now, t
		p.limiter = rate.NewLimiter(rate.Limit(p.Rate), max(1, int(p.Rate*lateness.Seconds())))
	}
	var due time.Duration
	if p.Speed > 0 {
		due = p.began.Add(scale(t.Sub(p.first), p.Speed)).Sub(now)
	}
	if p.Rate > 0 {
		due = max(due, p.limiter.ReserveN(now, 1).DelayFrom(now))
	}
	if due <= 0 {
		return nil
	}
	if err := flush(); err != nil {
		return err
	}
	return sleep.For(ctx, due)
}

// scale divides d, however small the divisor.
func scale(d time.Duration, by float64) time.Duration {
	return time.Duration(min(float64(d)/by, math.MaxInt64/2))
}

// ParseRate reads a rate such as 50/s, 600/m or 50, which is per second.
func ParseRate(s string) (perSecond float64, err error) {
	number, unit, _ := strings.Cut(s, "/")
	per, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !ok || !positive(n) || strings.HasSuffix(s, "/") {
		return 0, errors.New("write how many a second, a minute or an hour: 50/s, 600/m, 1000/h")
	}
	return n / per, nil
}

// ParseSpeed reads a speed such as 1x, 10x, 0.5x or max, which is 0.
func ParseSpeed(s string) (factor float64, err error) {
	if s == "max" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "x"), 64)
	if err != nil || !positive(n) {
		return 0, errors.New("write 1x for the time that it took, 10x for a tenth of it, or max")
	}
	return n, nil
}

// positive also refuses what is no number and what no time can be divided by.
func positive(n float64) bool { return n >= 1e-6 && n <= 1e9 }
