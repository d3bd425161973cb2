package line

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Fate is what an answer means for the message to its address.
type Fate uint8

// The fates.
const (
	// Accepted: the provider has it.
	Accepted Fate = iota + 1
	// Gone: the address is dead and is to be removed.
	Gone
	// Rejected: this message will never be accepted.
	Rejected
	// Again: it can be sent later.
	Again
)

// Scope is whom an answer concerns.
type Scope uint8

// The scopes.
const (
	One     Scope = iota // the address
	OfGroup              // all addresses of its group
	All                  // everybody
)

var (
	// ErrDown is what Err wraps of an answer that the provider as a whole is not to be
	// asked now; its Scope is All.
	ErrDown = errors.New("provider unavailable")
	// ErrInterrupted is what Err wraps of an answer that the context ended first.
	ErrInterrupted = errors.New("send was interrupted")
)

// Answer is what a provider has said to a request. What a [Call] makes of its scope
// is a claim: what a [Line] reports holds, because there is evidence for it.
type Answer struct {
	Fate  Fate
	Scope Scope
	// Group is the group that the answer is about, if it says more than that of the
	// call; else nil.
	Group *Group
	// Wait is how long nobody of the scope is to be asked; 0 if that is not known.
	Wait time.Duration
	// Most is up to what Wait doubles each time that the answer is the same when the scope is
	// asked again; 0 if it does not.
	Most time.Duration
	// Firm says that the provider is not to be probed before Wait has passed either, as it is
	// not of one that is closed.
	Firm bool
	// Closed says that the provider refuses us, rather than that it is sick.
	Closed bool
	// Silent says that there was no answer in time.
	Silent bool
	// Innocent says that the address had no part in it, so that it is no attempt of
	// the address's unless others are accepted beside it.
	Innocent bool
	// Doubt says of an address that is gone that the fault may be ours: it is what the
	// matter is if [EnoughDoubts] of the scope are in a row; nil when there is none.
	Doubt error
	// Tried says that the provider was asked, so that it is an attempt of the address's.
	Tried bool
	// AsOf is since when an address is gone, if the answer says it.
	AsOf time.Time
	// Each is what the answer says of each of [Call.Keys], in their order; nil when it says
	// the same of all.
	Each []Answer
	// Code is a short word for events and metrics.
	Code string
	// UniqueID is what the provider calls the push in its own console; empty if it does not
	// say.
	UniqueID string
	Err      error

	unanswered  bool      // there is no answer: Err says why
	unprocessed bool      // because the provider has not looked at the request
	panicked    bool      // who had to say has panicked
	at          time.Time // when it came, if not just now
}

// NoAnswer is what a call says when its request has got none, and the provider may
// have seen it. The line tells whether its time was up, or the context's.
func NoAnswer(err error) Answer {
	return Answer{Fate: Again, Scope: All, Tried: true, Code: codeNetwork, Err: err, unanswered: true}
}

// panicked makes an answer of what recover has returned.
func panicked(v any) Answer {
	return Answer{Fate: Again, Tried: true, Err: &push.PanicError{Value: v, Stack: debug.Stack()}, panicked: true}
}

// counts reports whether the answer says anything about the provider. That it looks at
// no request says so, too, and is no attempt of the address's.
func (a Answer) counts() bool { return a.Tried || a.unprocessed }

// Sick reports whether the answer says that more than its address is not served, and
// not because we are refused.
func (a Answer) Sick() bool { return a.Fate == Again && a.Scope != One && !a.Closed }

const (
	codeNetwork = "network"
	codeTimeout = "timeout"
	// CodeQuota is how the codes begin of answers that something is used up.
	CodeQuota = "quota"
	// CodeOwnQuota is the code of an answer that an address gets too much.
	CodeOwnQuota = CodeQuota + "-device"
)

// downError says that the provider called name is not to be asked.
type downError struct {
	name string
	why  error
}

func (e *downError) Error() string { return fmt.Sprintf("%s unavailable: %v", e.name, e.why) }

func (e *downError) Unwrap() []error { return []error{ErrDown, e.why} }

// Classes are the classes of answers, as metrics name them.
func Classes() []string {
	return []string{"accepted", "gone", "rejected", "quota", "refused", "unavailable", "platform", "timeout", "network", "other"}
}

// class is one of Classes: what the provider claims, before there is evidence for it.
func (a Answer) class() string {
	switch {
	case a.Fate == Accepted:
		return "accepted"
	case a.Fate == Gone:
		return "gone"
	case a.Fate == Rejected:
		return "rejected"
	case a.Silent:
		return codeTimeout
	case a.Code == codeNetwork:
		return codeNetwork
	case strings.HasPrefix(a.Code, CodeQuota):
		return "quota"
	case a.Scope == OfGroup:
		return "platform"
	case a.Closed:
		return "refused"
	case a.Scope == All:
		return "unavailable"
	}
	return "other"
}
