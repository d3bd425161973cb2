package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// watched runs a supervisor that wants a sign of life every five seconds, for a minute of
// which the last 20 s are a stop. It returns what it was told.
func watched(t *testing.T, every time.Duration, alive func() error) (told []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		var mu sync.Mutex
		s := supervisor{
			every: every, log: zerolog.Nop(), alive: func(context.Context) error { return alive() },
			tell: func(state string) (bool, error) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, state)
				return true, nil
			},
		}
		stopping, stop := context.WithCancel(t.Context())
		ended, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.watch(stopping, ended) }()
		time.Sleep(40*time.Second + time.Millisecond)
		stop()
		time.Sleep(20 * time.Second)
		end()
		<-done
		synctest.Wait()
		mu.Lock() // what was told before is seen now
		defer mu.Unlock()
	})
	return told
}

func count(told []string, state string) (n int) {
	for _, s := range told {
		if s == state {
			n++
		}
	}
	return n
}

// Signs of life continue while the worker stops: draining takes longer than the limit.
func TestSupervisorGetsSignsOfLife(t *testing.T) {
	t.Parallel()
	told := watched(t, 5*time.Second, func() error { return nil })
	if told[0] != "READY=1" || count(told, "READY=1") != 1 || count(told, "STOPPING=1") != 1 {
		t.Errorf("told %v", told)
	}
	if n := count(told, "WATCHDOG=1"); n != 13 {
		t.Errorf("%d signs of life in 60 s, one at once and then one every 5 s", n)
	}
	if after := told[slices.Index(told, "STOPPING=1"):]; count(after, "WATCHDOG=1") != 4 {
		t.Errorf("after the stop began: %v", after)
	}
}

// A worker that is not alive is silent, so that systemd restarts it; one that recovers speaks.
func TestSupervisorGetsNoSignOfDeath(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	told := watched(t, 5*time.Second, func() error {
		if asked.Add(1) > 3 {
			return errors.New("the store cannot be written")
		}
		return nil
	})
	if n := count(told, "WATCHDOG=1"); n != 3 {
		t.Errorf("%d signs of life, and only three times was it alive", n)
	}
}

func TestSupervisorThatWantsNoSigns(t *testing.T) {
	t.Parallel()
	told := watched(t, 0, func() error { t.Error("asked"); return nil })
	if !slices.Equal(told, []string{"READY=1", "STOPPING=1"}) {
		t.Errorf("told %v", told)
	}
}

// A worker that has nothing to finish ends at once, and says before that that it stops.
func TestSupervisorIsToldOfAQuickStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		s := supervisor{log: zerolog.Nop(), tell: func(state string) (bool, error) {
			time.Sleep(time.Second) // others run first
			told = append(told, state)
			return true, nil
		}}
		stopping, stop := context.WithCancel(t.Context())
		ended, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.watch(stopping, ended) }()
		time.Sleep(time.Minute)
		stop()
		end()
		<-done
		if !slices.Equal(told, []string{"READY=1", "STOPPING=1"}) {
			t.Errorf("told %v", told)
		}
	})
}
