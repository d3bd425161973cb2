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
	// Connections counts the open connections to the provider.
	Connections int
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
