package main

import (
	"testing"
	"time"
)

// FuzzMoment finds values of --since and --until that mean something else than
// what is written: a time ago that lies ahead, or a time that is not read back.
func FuzzMoment(f *testing.F) {
	for _, s := range []string{"90s", "72h", "-1h", "2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31 12:00:00", "9223372036854775807ns", "0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var m, again moment
		before := time.Now()
		if err := m.Set(s); err != nil {
			if !m.IsZero() || err.Error() == "" {
				t.Errorf("%q: refused with %q, and set to %v", s, err, m.Time)
			}
			return
		}
		if d, err := time.ParseDuration(s); err == nil && (d < 0 || m.Before(before.Add(-d)) || m.After(time.Now().Add(-d))) {
			t.Errorf("%q: %v", s, m.Time)
		}
		if m.Year() > 9999 {
			return // no form has more than four digits
		}
		if err := again.Set(m.String()); err != nil && !m.IsZero() || !again.Equal(m.Truncate(time.Second)) {
			t.Errorf("%q is shown as %q and read as %v, %v", s, m.String(), again.Time, err)
		}
	})
}
