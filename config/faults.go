package config

import (
	"slices"
	"strings"
)

// Fault is one thing that is wrong with the configuration. It never holds the
// value of a secret.
type Fault struct {
	// Variable is the full name, for example PUSHWORKER_ACK_WAIT; the …_FILE twin
	// when the value came from there.
	Variable string `json:"variable"`
	// Problem says what is wrong, as the predicate of a sentence about Variable.
	Problem string `json:"problem"`
	// Hint says what to do about it.
	Hint string `json:"hint"`
}

// String returns "VARIABLE problem; hint".
func (f Fault) String() string { return f.Variable + " " + f.Problem + "; " + f.Hint }

// InvalidError says that the configuration cannot be used, and everything that
// is wrong with it. The process exits with 78.
type InvalidError struct {
	// Faults are in the order of the reference table; there is at least one.
	Faults []Fault
	// Warnings are what [Config.Warnings] would have been.
	Warnings []Fault
	// Handlers are the entries of PUSHWORKER_HANDLERS that have a name, so that what is
	// wrong with their own configuration can be told together with the faults.
	Handlers HandlerList

	config *Config
}

// ForCommand is the configuration for a command that runs no worker, and nil if one of
// the faults is about a variable that it may use. Variables of the worker alone that have
// a fault have their default, or the faulty value.
func (e *InvalidError) ForCommand() *Config {
	for _, f := range e.Faults {
		if !isWorkers(f.Variable) {
			return nil
		}
	}
	return e.config
}

// isWorkers reports whether only a worker uses the variable, or its _FILE twin.
func isWorkers(name string) bool {
	for _, v := range slices.Concat(Variables(), StandardVariables()) {
		if name == v.Name || name == v.twin() {
			return v.Worker
		}
	}
	return false
}

// Error lists the faults, one per line.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("configuration is not usable; correct these and start again:")
	for _, f := range e.Faults {
		b.WriteString("\n  ")
		b.WriteString(f.String())
	}
	return b.String()
}

// problem is a Fault of a variable that the finder does not know by name.
type problem struct{ what, hint string }

// problems is what the Decode methods of this package return.
type problems []problem

// Error is for envconfig's sake; Load takes the problems one by one.
func (p problems) Error() string {
	texts := make([]string, len(p))
	for i, one := range p {
		texts[i] = one.what + "; " + one.hint
	}
	return strings.Join(texts, "\n")
}

func (p problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
