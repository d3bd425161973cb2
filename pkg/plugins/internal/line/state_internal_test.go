package line

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestState: what limits a line is told as it is now, also when nothing has been sent
// since the ramp began.
func TestState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Name: "test", InFlight: 100, PerSecond: 1000, Ramp: 10 * time.Second, Timeout: time.Minute})
		want := func(when string, want push.State) {
			t.Helper()
			if got := l.State(push.State{}); got != want {
				t.Errorf("%s: %+v, want %+v", when, got, want)
			}
		}
		want("at the start", push.State{InFlightLimit: 100, PerSecond: 100})
		time.Sleep(5 * time.Second)
		want("half way up", push.State{InFlightLimit: 100, PerSecond: 550})
		time.Sleep(5 * time.Second)
		want("after the ramp", push.State{InFlightLimit: 100, PerSecond: 1000})

		var answers []func(Answer)
		for i := range 10 {
			l.Start(t.Context(), Call{Key: strconv.Itoa(i), Do: func(_ context.Context, answered func(Answer)) { answers = append(answers, answered) }}, func(Answer) {})
		}
		want("with ten open", push.State{InFlight: 10, InFlightLimit: 100, PerSecond: 1000})
		for _, answer := range answers {
			answer(Answer{Fate: Again, Scope: All, Closed: true, Wait: time.Minute, Tried: true, Err: errors.New("too many")})
		}
		want("after a refusal", push.State{InFlightLimit: 70, PerSecond: 1000})
	})
	if got := New(Options{InFlight: 5}).State(push.State{Connections: 9}); got.PerSecond != 0 || got.InFlightLimit != 5 || got.Connections != 0 {
		t.Errorf("without a pace: %+v", got)
	}
}
