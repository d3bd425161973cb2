package push

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a duration as [time.ParseDuration] does, and days of 24 hours
// before it: "1d", "1d12h", "0.5d".
func ParseDuration(s string) (time.Duration, error) {
	text, rest, days := strings.Cut(s, "d")
	if !days {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseFloat(text, 64)
	total := n * float64(24*time.Hour)
	if err != nil || strings.Trim(text, "+-.0123456789") != "" || math.Abs(total) > math.MaxInt64/2 {
		return 0, errors.New("want a number before d")
	}
	d := time.Duration(total)
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more > math.MaxInt64/4 {
		return 0, errors.New("want a duration such as 12h after the days")
	}
	if strings.HasPrefix(text, "-") {
		more = -more
	}
	return d + more, nil
}
