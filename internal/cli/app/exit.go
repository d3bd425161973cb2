package app

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/directory"
	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// The exit codes; they follow sysexits.h.
const (
	ExitOK          = 0
	exitFailed      = 1
	ExitUsage       = 2  // the command line is wrong
	ExitData        = 65 // some input is not a receipt
	ExitUnavailable = 69 // the broker cannot be reached or does not answer
	exitLocked      = 73 // another process uses the data directory
	ExitUnfinished  = 75 // stopped with work unfinished, which was handed back
	exitConfig      = 78 // the configuration is unusable
)

// exitRules say which errors mean which exit code; the first that fits counts.
func exitRules() []exitRule {
	return []exitRule{
		{ExitUsage, Told(ExitUsage)},
		{ExitData, Told(ExitData)},
		{exitConfig, is[*config.InvalidError]},
		{exitConfig, wraps(worker.ErrHandlers)},
		{exitConfig, wraps(worker.ErrTraces)},
		{exitConfig, wraps(directory.ErrConfig)},
		{exitLocked, is[*embedded.LockedError]},
		{ExitUnavailable, Told(ExitUnavailable)},
		{ExitUnavailable, wraps(worker.ErrBroker)},
		{ExitUnavailable, wraps(publisher.ErrUnavailable)},
		{ExitUnavailable, wraps(publisher.ErrNoStream)},
		{ExitUnavailable, wraps(publisher.ErrFull)},
		{ExitUnfinished, wraps(consumer.ErrUnfinished)},
		{ExitUnfinished, wraps(replay.ErrInterrupted)},
		{ExitUnfinished, Told(ExitUnfinished)},
		{ExitUnfinished, wraps(terminal.ErrInterrupted)},
	}
}

type exitRule struct {
	code int
	fits func(error) bool
}

// ExitCode is the code that tells err.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
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
	kind, ok := target.(failure)
	return ok && kind.err == nil && kind.code == f.code
}

// Told reports whether err is a failure with this exit code.
func Told(code int) func(error) bool {
	return func(err error) bool { return errors.Is(err, failure{code: code}) }
}

// Usage says that the command line is wrong.
func Usage(err error) error { return failed(ExitUsage, err) }

// Data says that some input is invalid.
func Data(err error) error { return failed(ExitData, err) }

// Unavailable says that the broker cannot be reached or does not answer.
func Unavailable(err error) error { return failed(ExitUnavailable, err) }

// Interrupted says that a command was told to stop before its end, and what that means.
func Interrupted(meaning string) error {
	return failed(ExitUnfinished, errors.New("interrupted; "+meaning))
}

func failed(code int, err error) error {
	if err == nil {
		return nil
	}
	return failure{code, err}
}

// Heard is err without that nobody reads stdout any more, as in
// `pushworker … | head`: who has seen enough has seen no failure.
func Heard(err error) error {
	switch e := err.(type) { //nolint:errorlint // each link of the chain is looked at
	case *fs.PathError:
		if e.Path == os.Stdout.Name() && errors.Is(e.Err, syscall.EPIPE) {
			return nil
		}
	case interface{ Unwrap() []error }:
		parts := e.Unwrap()
		kept := slices.DeleteFunc(slices.Clone(parts), func(part error) bool { return Heard(part) == nil })
		if len(kept) < len(parts) {
			return errors.Join(kept...)
		}
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil && Heard(inner) == nil {
			return nil
		}
	}
	return err
}
