package push

import "time"

// State is what a handler says of itself, beside what becomes of receipts. It holds
// no secret.
type State struct {
	// Problem says what an operator has to correct, if possible before pushes stop; nil if
	// there is nothing.
	Problem error
	// CredentialsExpire is when what the provider lets us in with ends unless it is
	// renewed; zero if it does not end, or there is none.
	CredentialsExpire time.Time
	// Refreshes counts how often that was to be renewed; nil where nothing is.
	Refreshes *Refreshes
	// Connections counts the open connections to the provider.
	Connections int
	// InFlight counts the requests to the provider that are open, and InFlightLimit how
	// many of them may be open now: fewer after the provider has asked for less.
	InFlight, InFlightLimit int
	// PerSecond is how many requests to the provider may be made in a second now: fewer
	// than the config says after the start and after an outage. 0 for no limit.
	PerSecond float64
}

// Refreshes counts by what came of it how often a token, or what else the provider lets
// us in with, was to be renewed.
type Refreshes struct {
	// Renewed gave a new one. Refused had the answer that the credentials are no good,
	// Failed no answer, or no credentials to ask with.
	Renewed, Refused, Failed uint64
}

// Warner is a Handler that can say what of its config deserves a look, though it works with
// it. Warnings asks nobody, and is called between Init and Stop.
type Warner interface {
	Handler
	Warnings() []string
}

// Warnings implements [Warner] with Work.Warnings.
func (a *Adapter) Warnings() []string {
	if p := a.pool.Load(); p != nil {
		return p.work.Warnings
	}
	return nil
}

// Stater is a Handler that can say how it is. State knows the answer, and asks nobody
// for it. It is called between Init and Stop, from any goroutine.
type Stater interface {
	Handler
	State() State
}

// State implements [Stater] with Work.State; without one there is nothing to say.
func (a *Adapter) State() State {
	if p := a.pool.Load(); p != nil && p.work.State != nil {
		return p.work.State()
	}
	return State{}
}
