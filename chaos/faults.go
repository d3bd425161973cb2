package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pushworker/pushworker/chaos/link"
	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// stopWithin bounds how long a program that is told to stop may take; workers have
	// a grace of 15 s.
	stopWithin = 25 * time.Second
	// healWithin bounds undoing a fault.
	healWithin = 10 * time.Second
	// noRules ends a script.
	noRules = `{"rules":[]}`
)

// faults carries out a schedule.
type faults struct {
	*world

	say   func(string, ...any)
	began time.Time
	// script is held by the one whose script the provider follows.
	script sync.Mutex

	mu   sync.Mutex
	done []step
	errs []error
}

// run does every step at its time and returns when the last has been undone. It
// goes on after an error, which is a failure of the scenario.
func (f *faults) run(ctx context.Context, plan []step) {
	f.began = time.Now()
	var running sync.WaitGroup
	for _, s := range plan {
		if sleep.For(ctx, time.Until(f.began.Add(s.at))) != nil {
			break
		}
		running.Go(func() {
			if s.do == scriptFake || s.do == fillRetries || s.do == fillLetters {
				f.script.Lock()
				defer f.script.Unlock()
				s.at = time.Since(f.began)
			}
			err := f.do(ctx, s)
			f.mu.Lock()
			defer f.mu.Unlock()
			if err == nil {
				f.done = append(f.done, s)
			} else if ctx.Err() == nil {
				f.errs = append(f.errs, fmt.Errorf("%s: %w", s.do, err))
			}
		})
	}
	running.Wait()
}

// do does one step and undoes it.
func (f *faults) do(ctx context.Context, s step) error {
	f.say("%s", s)
	switch s.do { //nolint:exhaustive // mistake does the others
	case killWorker, restartWorker, freezeWorker:
		return f.disturb(ctx, f.workers[s.who], s)
	case killBroker, restartBroker, freezeBroker:
		return f.disturb(ctx, f.brokers[s.who], s)
	case killLeader:
		who, err := f.leader(ctx)
		if err != nil {
			return err
		}
		return f.disturb(ctx, f.brokers[who], s)
	case replaceWorker:
		return f.replace(ctx, f.workers[s.who])
	case cutLink:
		return f.cut(ctx, s)
	case scriptFake:
		return errors.Join(f.fakeCall(ctx, "script", s.how), sleep.For(ctx, s.long), f.fakeCall(ctx, "script", noRules))
	case treatFake:
		return f.fakeCall(ctx, "connections?do="+s.how, "")
	case revokeTokens:
		return f.fakeCall(ctx, "revoke", "")
	case fillDisk:
		return f.fill(ctx, s)
	case fillRetries, fillLetters:
		return f.fillStream(ctx, s)
	case moveWorker:
		return f.move(ctx, fmt.Sprintf("worker%d", s.who), s)
	case moveBroker:
		return f.move(ctx, fmt.Sprintf("broker%d", s.who), s)
	}
	return f.mistake(ctx, s)
}

// disturb ends the process of a service and starts the next one, or freezes it.
func (f *faults) disturb(ctx context.Context, s *service, what step) error {
	s.fault.Lock()
	defer s.fault.Unlock()
	p := s.holder()
	var ended error
	switch what.do { //nolint:exhaustive // do calls it for these
	case freezeWorker, freezeBroker:
		return errors.Join(p.Freeze(), sleep.For(ctx, what.long), p.Thaw())
	case restartWorker, restartBroker:
		if isClosed(p.Exited()) { // by itself; its supervisor waits for us
			break
		}
		ready := answers(ctx, s.url()) // before that it may not have heard of signals
		code, err := p.Terminate(stopWithin)
		if err != nil {
			return err
		}
		if code != 0 && ready && what.do == restartWorker {
			ended = fmt.Errorf("%s ended with %d, want 0; it said: %s", s.name, code, p.Said())
		}
	default:
		p.Kill()
	}
	if err := sleep.For(ctx, what.long); err != nil {
		return err
	}
	_, err := s.start(ctx)
	return errors.Join(ended, err)
}

// replace starts the successor of a worker, and then stops it.
func (f *faults) replace(ctx context.Context, s *service) error {
	s.fault.Lock()
	defer s.fault.Unlock()
	before, err := s.start(ctx)
	if err != nil {
		return err
	}
	if err := s.await(ctx); err != nil {
		return err
	}
	code, err := before.Terminate(stopWithin)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s ended with %d, want 0; it said: %s", s.name, code, before.Said())
	}
	return err
}

func (f *faults) cut(ctx context.Context, s step) error {
	service, l := f.workers[s.who], f.links[s.who]
	service.fault.Lock()
	defer service.fault.Unlock()
	if err := l.Cut(ctx, link.Direction(s.how)); err != nil {
		return fmt.Errorf("cut the link: %w", err)
	}
	err := sleep.For(ctx, s.long)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healWithin)
	defer cancel()
	if failed := l.Heal(ctx); failed != nil {
		err = errors.Join(err, fmt.Errorf("heal the link: %w", failed))
	}
	return err
}

// fill fills the broker's disk, and then gives room again. A broker whose store
// has failed to write takes no more until it is started anew.
func (f *faults) fill(ctx context.Context, s step) error {
	service := f.brokers[0]
	service.fault.Lock()
	defer service.fault.Unlock()
	file := filepath.Join(f.store(0), "filler")
	if err := fillWith(file); err != nil {
		return err
	}
	if err := sleep.For(ctx, s.long); err != nil {
		return err
	}
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("give room again: %w", err)
	}
	if _, err := service.holder().Terminate(stopWithin); err != nil {
		return err
	}
	_, err := service.start(ctx)
	return err
}

// fillWith writes until nothing more fits.
func fillWith(file string) error {
	out, err := os.Create(file) //nolint:gosec // our own directory
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	piece := []byte(strings.Repeat("x", 4096))
	for err == nil {
		_, err = out.Write(piece)
	}
	return out.Close()
}

// move sets the clock of somebody, and after the step's length, if it has one, sets
// it right again.
func (f *faults) move(ctx context.Context, who string, s step) error {
	file := f.clockOf(who)
	if s.long == 0 {
		return set(file, s.how)
	}
	return errors.Join(set(file, s.how), sleep.For(ctx, s.long), set(file, "0"))
}

// set replaces the content of a file that is being read.
func set(file, text string) error {
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		return fmt.Errorf("move a clock: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("move a clock: %w", err)
	}
	return nil
}
