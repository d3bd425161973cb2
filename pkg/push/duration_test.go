package push_test

import (
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestDurationsTakeDays(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"1d": day, "1d12h": day + 12*time.Hour, "0.5d": day / 2, "-1d": -day, "-1d1h": -day - time.Hour, "+2d": 2 * day,
		"90s": 90 * time.Second, "-2h": -2 * time.Hour, "1h30m": 90 * time.Minute, "0": 0,
	} {
		if got, err := push.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "1", "1dd", "1d-1h", "1hd", "NaNd", "0x1d", "1e3d", "999999999d", "1d3000000h", "1d 1h", "one day"} {
		if got, err := push.ParseDuration(text); err == nil {
			t.Errorf("%q is %s, want an error", text, got)
		}
	}
}
