package main

import (
	"errors"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// The exit codes; they follow sysexits.h.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2  // the command line is wrong
	exitData        = 65 // some input is not a receipt
	exitUnavailable = 69 // the broker cannot be reached or does not answer
	exitLocked      = 73 // another process uses the data directory
	exitUnfinished  = 75 // stopped with work unfinished, which was handed back
	exitConfig      = 78 // the configuration is unusable
)

// exitRules say which errors mean which exit code; the first that fits counts.
func exitRules() []exitRule {
	return []exitRule{
		{exitUsage, is[usageError]},
		{exitData, is[dataError]},
		{exitConfig, is[*config.InvalidError]},
		{exitConfig, wraps(worker.ErrHandlers)},
		{exitLocked, is[*embedded.LockedError]},
		{exitUnavailable, is[unavailableError]},
		{exitUnavailable, wraps(worker.ErrBroker)},
		{exitUnavailable, wraps(publisher.ErrUnavailable)},
		{exitUnavailable, wraps(publisher.ErrNoStream)},
		{exitUnavailable, wraps(publisher.ErrFull)},
		{exitUnfinished, wraps(consumer.ErrUnfinished)},
		{exitUnfinished, wraps(replay.ErrInterrupted)},
		{exitUnfinished, is[interruptedError]},
	}
}

type exitRule struct {
	code int
	fits func(error) bool
}

func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if found, ok := errors.AsType[findingsError](err); ok {
		return found.code()
	}
	for _, rule := range exitRules() {
		if rule.fits(err) {
			return rule.code
		}
	}
	return exitFailed
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func wraps(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// usageError says that the command line is wrong.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// dataError says that some input is invalid.
type dataError struct{ err error }

func (e dataError) Error() string { return e.err.Error() }
func (e dataError) Unwrap() error { return e.err }

// unavailableError says that the broker cannot be reached or does not answer.
type unavailableError struct{ err error }

func (e unavailableError) Error() string { return e.err.Error() }
func (e unavailableError) Unwrap() error { return e.err }

// interruptedError says that a command was told to stop before its end.
type interruptedError struct{ text string }

func (e interruptedError) Error() string { return "interrupted; " + e.text }
