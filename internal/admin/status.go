package admin

import (
	"time"

	"github.com/pushworker/pushworker/internal/broker/status"
)

// Status is the document of /status and of `pushworker status -o json`.
type Status struct {
	// Time is when the broker was asked.
	Time    time.Time            `json:"time"`
	Lanes   []Lane               `json:"lanes"`
	Streams []status.StreamStats `json:"streams"`
	// Process is the worker that was asked; absent if none could be reached.
	Process *Process `json:"process,omitempty"`
	// Directory is what Process has learned of users' devices; absent without one.
	Directory *Directory `json:"directory,omitempty"`
	// Problems say what could not be learned, and why.
	Problems []string `json:"problems,omitempty"`
}

// Directory is what a process has learned of users' devices since its start.
type Directory struct {
	// Kind is kv, nats, or where the database is.
	Kind string `json:"kind"`
	// Known and Unknown count look-ups of users who have a device of any provider, and of
	// those who have none.
	Known   uint64 `json:"known"`
	Unknown uint64 `json:"unknown"`
	// Problem says that the directory seems to be empty or the wrong one.
	Problem string `json:"problem,omitempty"`
}

// Lane is what is known of one lane. In JSON it is one flat object.
type Lane struct {
	Handler string `json:"handler"`
	// LaneStats is the broker's view, over all processes; nil when it could not be
	// asked.
	*status.LaneStats
	// LaneState is the view of Status.Process; nil without one, or when it does not
	// run the lane.
	*LaneState
	// CredentialsExpire is when what the provider lets the handler of Status.Process in
	// with ends unless it is renewed; zero if that is not known.
	CredentialsExpire time.Time `json:"credentials_expire,omitzero"`
	// Problem is what that handler wants an operator to correct; empty if nothing.
	Problem string `json:"problem,omitempty"`
}

// LaneState is what one process knows of a lane of its own.
type LaneState struct {
	// Held counts the messages in the process's hands.
	Held int `json:"held"`
	// Dropped counts the receipts handed back since its start because the handler
	// was not ready or its channel would block.
	Dropped uint64 `json:"dropped"`
	// BreakerOpen says that the provider is unavailable, or refuses everything, and the
	// lane does not pull.
	BreakerOpen bool `json:"breaker_open"`
	// BreakerError says why, and what to do about it; empty while it is closed.
	BreakerError string `json:"breaker_error,omitempty"`
	// Waiting says what else keeps the lane from pulling, such as a device directory
	// that is unavailable; empty if nothing does.
	Waiting string `json:"waiting,omitempty"`
}

// Process is a running worker.
type Process struct {
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

// NewStatus joins what the broker knows, which is in s, with what a process
// knows. states are its lanes by handler; p may be nil, and states too.
func NewStatus(s Sample, p *Process, states map[string]LaneState) Status {
	joined := Status{Time: s.Time, Lanes: []Lane{}, Streams: s.Stats.Streams, Process: p}
	if joined.Streams == nil {
		joined.Streams = []status.StreamStats{}
	}
	if s.Err != nil {
		joined.Problems = append(joined.Problems, s.Err.Error())
	}
	for _, handler := range s.Handlers {
		joined.Lanes = append(joined.Lanes, newLane(handler, s, states))
	}
	for _, stats := range s.Stats.Lanes {
		if stats.Abandoned {
			joined.Lanes = append(joined.Lanes, Lane{Handler: stats.Handler, LaneStats: &stats})
		}
	}
	return joined
}

// newLane joins what is known of the lane of handler.
func newLane(handler string, s Sample, states map[string]LaneState) Lane {
	lane := Lane{Handler: handler}
	for _, stats := range s.Stats.Lanes {
		if stats.Handler == handler {
			lane.LaneStats = &stats
		}
	}
	if state, ok := states[handler]; ok {
		lane.LaneState = &state
	}
	return lane
}

// Keep returns s with what the handlers of remote, an answer of a worker, say of
// themselves and what it says of users' devices, which the broker does not know. It
// changes the lanes of s.
func (s Status) Keep(remote Status) Status {
	s.Directory = remote.Directory
	for i, lane := range s.Lanes {
		for _, there := range remote.Lanes {
			if there.Handler == lane.Handler {
				s.Lanes[i].CredentialsExpire, s.Lanes[i].Problem = there.CredentialsExpire, there.Problem
			}
		}
	}
	return s
}

// Doubt is the problem of the directory; empty if there is none.
func (s Status) Doubt() string {
	if s.Directory == nil {
		return ""
	}
	return s.Directory.Problem
}

// States are the lanes' states by handler, for [NewStatus].
func (s Status) States() map[string]LaneState {
	states := make(map[string]LaneState)
	for _, lane := range s.Lanes {
		if lane.LaneState != nil {
			states[lane.Handler] = *lane.LaneState
		}
	}
	return states
}
