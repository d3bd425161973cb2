package line

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// skewWarn is how far this machine's clock may be off: signed assertions that are
// minutes off are refused, and TTLs lose as much.
const skewWarn = 5 * time.Second

// Examine makes the request that do makes, past the line and for a made-up address, and
// says what its answer, and the time in it, show of the set-up. do shows peek what came
// back before it calls answered.
func (l *Line) Examine(ctx context.Context, check string, do func(ctx context.Context, peek func(Exchange), answered func(Answer))) []push.Finding {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	asked := time.Now()
	var clock []push.Finding
	answer := make(chan Answer, 1)
	do(ctx, func(x Exchange) {
		if found, ok := l.Clock(x, asked); ok {
			clock = append(clock, found)
		}
	}, func(a Answer) { answer <- a })
	found := l.Finding(check, <-answer) // clock is complete then
	return append([]push.Finding{found}, clock...)
}

// Probe makes a request for a made-up address on the way of every message, so that the
// line learns from it whether the provider is available. The error is that of
// [push.Prober].
func (l *Line) Probe(ctx context.Context, c Call) error {
	a := l.Send(ctx, c)
	switch {
	case errors.Is(a.Err, ErrInterrupted) && !a.Tried:
		return a.Err
	case a.Fate == Again && a.Code != CodeOwnQuota:
		return push.Unavailable(a.Err)
	}
	return nil
}

// Finding is what the answer to a message for a made-up address says of the set-up.
func (l *Line) Finding(check string, a Answer) push.Finding {
	f := push.Finding{Level: push.LevelOK, Check: check}
	switch {
	case a.Fate == Accepted:
		f.Text = l.Name + " takes a message in a " + check
	case a.Fate == Gone && a.Doubt == nil:
		f.Text = l.Name + " takes our credentials and knows that a made-up token is none"
	case strings.HasPrefix(a.Code, CodeQuota):
		f.Level, f.Text, f.Remedy = push.LevelWarn, a.Err.Error(), "wait: the lane does so by itself"
	default:
		f.Level, f.Text = push.LevelFail, a.Err.Error()
		f.Remedy = "correct what it says; the lane tries again by itself"
		if a.unanswered {
			f.Remedy = "check the network, the proxy and endpoint"
		}
	}
	return f
}

// Clock is what the time in an answer says of this machine's clock; false if the
// answer has none. The provider tells whole seconds and, behind a cache, an old time.
func (l *Line) Clock(x Exchange, asked time.Time) (push.Finding, bool) {
	date, err := http.ParseTime(x.Field("Date"))
	if err != nil {
		return push.Finding{}, false
	}
	took := time.Since(asked)
	return l.skewed(asked.Add(took / 2).Sub(date.Add(time.Second / 2))), true
}

// skewed is the finding for a clock that is so much ahead of the provider's.
func (l *Line) skewed(skew time.Duration) push.Finding {
	f := push.Finding{Level: push.LevelOK, Check: "clock", Text: "this machine's clock and " + l.Name + "'s agree within " + skewWarn.String()}
	if skew.Abs() > skewWarn {
		way := "ahead of"
		if skew < 0 {
			way = "behind"
		}
		f.Level, f.Text = push.LevelWarn, fmt.Sprintf("this machine's clock is %s %s %s's", skew.Abs().Round(time.Second), way, l.Name)
		f.Remedy = "synchronise the clock (chrony, systemd-timesyncd)"
	}
	return f
}
