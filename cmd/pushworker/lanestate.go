package main

import (
	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker"
)

// What a lane does, in words.
const (
	stateRunning = "running"
	statePaused  = "paused"
	stateDown    = "down"
	stateWaiting = "waiting"
	// stateAbandoned: nobody runs it, and what is stored waits for it.
	stateAbandoned = "abandoned"
	stateUnknown   = "-"
)

// laneState is what a lane does: what the broker knows of it, and a worker.
func laneState(stats *broker.LaneStats, state *admin.LaneState) string {
	switch {
	case stats != nil && stats.Abandoned:
		return stateAbandoned
	case stats != nil && stats.Paused:
		return statePaused
	case state == nil:
		return stateUnknown
	case state.BreakerOpen:
		return stateDown
	case state.Waiting != "":
		return stateWaiting
	}
	return stateRunning
}
