package fake

import "time"

// A Window is a quota over minutes that begin with the first request, not with
// the clock.
type Window struct {
	start time.Time
	used  int
}

// Take uses one of the quota, or says how long there is none left.
func (w *Window) Take(now time.Time, perMinute int) time.Duration {
	end := w.start.Add(time.Minute)
	if !now.Before(end) {
		w.start, w.used = now, 0
		end = now.Add(time.Minute)
	}
	if w.used >= perMinute {
		return end.Sub(now)
	}
	w.used++
	return 0
}
