package admin

import (
	"fmt"
	"strings"
)

// What a lane does, in words.
const (
	StateRunning = "running"
	StatePaused  = "paused"
	StateDown    = "down"
	StateWaiting = "waiting"
	// StateAbandoned: no worker runs it, and what is stored waits for it.
	StateAbandoned = "abandoned"
	stateUnknown   = "-"
)

// State is what a lane does: what the broker knows of it, and a worker.
func (l Lane) State() string {
	switch {
	case l.LaneStats != nil && l.Abandoned:
		return StateAbandoned
	case l.LaneStats != nil && l.Paused:
		return StatePaused
	case l.LaneState == nil:
		return stateUnknown
	case l.BreakerOpen:
		return StateDown
	case l.Waiting != "":
		return StateWaiting
	}
	return StateRunning
}

// Running are the lanes that a worker runs.
func (s Status) Running() (names []string) {
	for _, lane := range s.Lanes {
		if lane.LaneStats == nil || !lane.Abandoned {
			names = append(names, lane.Handler)
		}
	}
	return names
}

// News is the problem of the handler of l, unless its breaker tells it; empty if there is none.
func (l Lane) News() string {
	if l.LaneState != nil && strings.Contains(l.BreakerError, l.Problem) {
		return ""
	}
	return l.Problem
}

// subscribing says that devices wait to be subscribed to channels; empty if none does.
func (l Lane) subscribing() string {
	if l.LaneStats == nil || l.Channels == nil || l.Channels.Waiting == 0 {
		return ""
	}
	why := ""
	if l.Channels.Problem != "" {
		why = ": " + l.Channels.Problem
	}
	return fmt.Sprintf("subscriptions to channels are waiting, of users: %d, since %s%s", l.Channels.Waiting, l.Channels.Since.UTC().Format("2006-01-02 15:04:05Z"), why)
}

// Troubles are what an operator should know of a lane beside its figures.
func (l Lane) Troubles() (all []string) {
	if l.LaneStats != nil && l.Abandoned {
		holds := ""
		if l.Pending > 0 || l.InFlight > 0 || l.RetriesWaiting > 0 {
			holds = ", and its receipts stay in the stream"
		}
		all = append(all, "no worker runs it"+holds+": start a worker with it, or `pushworker lane retire "+l.Handler+"`")
	}
	if l.LaneState != nil && l.BreakerError != "" {
		all = append(all, "breaker open: "+l.BreakerError)
	}
	if l.LaneState != nil && l.Waiting != "" {
		all = append(all, "waiting: "+l.Waiting)
	}
	if text := l.subscribing(); text != "" {
		all = append(all, text)
	}
	if news := l.News(); news != "" {
		all = append(all, news)
	}
	return all
}
