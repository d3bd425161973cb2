package app

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
		var m, again Moment
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

func TestMoment(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.Local)
	tests := map[string]time.Time{
		"2026-01-31":                day,
		"2026-01-31 12:30:00":       day.Add(12*time.Hour + 30*time.Minute),
		"2026-01-31T12:30:00Z":      time.Date(2026, 1, 31, 12, 30, 0, 0, time.UTC),
		"2026-01-31T12:30:00+02:00": time.Date(2026, 1, 31, 10, 30, 0, 0, time.UTC),
	}
	for in, want := range tests {
		var m Moment
		if err := m.Set(in); err != nil || !m.Equal(want) {
			t.Errorf("%s is %s (%v), want %s", in, m.Time, err, want)
		}
	}
	var m Moment
	before := time.Now().Add(-2 * time.Hour)
	if err := m.Set("2h"); err != nil || m.Before(before) || m.After(time.Now().Add(-2*time.Hour)) {
		t.Errorf("2h is %s (%v)", m.Time, err)
	}
}
