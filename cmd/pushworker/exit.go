package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"

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
		{exitUsage, told(exitUsage)},
		{exitData, told(exitData)},
		{exitConfig, is[*config.InvalidError]},
		{exitConfig, wraps(worker.ErrHandlers)},
		{exitLocked, is[*embedded.LockedError]},
		{exitUnavailable, told(exitUnavailable)},
		{exitUnavailable, wraps(worker.ErrBroker)},
		{exitUnavailable, wraps(publisher.ErrUnavailable)},
		{exitUnavailable, wraps(publisher.ErrNoStream)},
		{exitUnavailable, wraps(publisher.ErrFull)},
		{exitUnfinished, wraps(consumer.ErrUnfinished)},
		{exitUnfinished, wraps(replay.ErrInterrupted)},
		{exitUnfinished, told(exitUnfinished)},
		{exitUnfinished, wraps(errInputInterrupted)},
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
	if own, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return own.ExitCode()
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

// failure is an error with the exit code that tells it.
type failure struct {
	code int
	err  error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// Is reports whether target stands for f's exit code.
func (f failure) Is(target error) bool {
	kind, ok := target.(failure) //nolint:errorlint // errors.Is goes along the chain
	return ok && kind.err == nil && kind.code == f.code
}

// told reports whether err is a failure with this exit code.
func told(code int) func(error) bool {
	return func(err error) bool { return errors.Is(err, failure{code: code}) }
}

// usageError says that the command line is wrong.
func usageError(err error) error { return failed(exitUsage, err) }

// dataError says that some input is invalid.
func dataError(err error) error { return failed(exitData, err) }

// unavailableError says that the broker cannot be reached or does not answer.
func unavailableError(err error) error { return failed(exitUnavailable, err) }

// interruptedError says that a command was told to stop before its end, and what that means.
func interruptedError(meaning string) error {
	return failed(exitUnfinished, errors.New("interrupted; "+meaning))
}

func failed(code int, err error) error {
	if err == nil {
		return nil
	}
	return failure{code, err}
}

// heard is err without that nobody reads stdout any more, as in
// `pushworker … | head`: who has seen enough has seen no failure.
func heard(err error) error {
	switch e := err.(type) { //nolint:errorlint // each link of the chain is looked at
	case *fs.PathError:
		if e.Path == os.Stdout.Name() && errors.Is(e.Err, syscall.EPIPE) {
			return nil
		}
	case interface{ Unwrap() []error }:
		parts := e.Unwrap()
		kept := slices.DeleteFunc(slices.Clone(parts), func(part error) bool { return heard(part) == nil })
		if len(kept) < len(parts) {
			return errors.Join(kept...)
		}
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil && heard(inner) == nil {
			return nil
		}
	}
	return err
}
