package main

import (
	"time"
)

// slots is how many messages a worker's lane holds at most: its handler's buffer,
// a quarter of that for retries being part of it, and one suspect.
const (
	buffer = 64
	slots  = buffer + 1
)

// forgets is how much of the last acknowledgements a broker that is killed has not
// written down.
const forgets = 200 * time.Millisecond

// lanes are the handlers under test.
const lanes = 2

// shape is what a scenario needs.
type shape struct {
	workers  int
	nodes    int  // brokers: 0 is the embedded one, 3 a cluster
	cuttable bool // workers live behind links that can be cut
	disk     bool // the broker's store is a small file system
	clock    bool // the programs are built with a clock that can be moved
	rate     int  // receipts per second
	latency  time.Duration
	timeout  time.Duration // of the FCM handler per receipt
	ttl      time.Duration // of pushes
	maxBytes int64         // of PUSH; 24 MiB if 0
	maxDead  int           // receipts that may become dead letters
	maxCalls int           // calls per worker and second during an outage; 0 is not checked
	provider string        // of pushes, the name of its handler
	payload  int           // max_payload of the brokers in bytes; 0 is the usual
	many     int           // recipients of every tenth receipt; 0 is crowd
	tight    bool          // the streams of retries and letters hold tightLimit
	ends     bool          // the load ends when its time is over, though faults go on
}

// scenario is one experiment.
type scenario struct {
	name, what string
	tests      []string // of the list in docs/reliability.md
	shape      shape
	plan       func(*planner) []step
}

// allowance is how many duplicates a fault may cause, and the reason.
func (s shape) allowance(f step) (n int, why string) {
	forgotten := int(float64(s.rate) * forgets.Seconds())
	held := slots * s.workers
	switch f.do {
	case killWorker:
		if s.nodes == 0 {
			return lanes * (slots + forgotten), "what the worker held, and 0.2 s of acknowledgements"
		}
		return lanes * slots, "what the worker held"
	case freezeWorker, cutLink:
		if s.workers == 1 {
			return 0, "one worker recognises what comes again"
		}
		return lanes * slots, "what the worker held"
	case killBroker, killLeader, restartBroker, freezeBroker, moveBroker:
		if s.workers == 1 {
			return 0, "one worker recognises what comes again"
		}
		return lanes * (held + forgotten*(s.workers-1)/s.workers),
			"what the workers held, and of 0.2 s of acknowledgements the share of the other workers"
	case loseDurable:
		if s.workers == 1 {
			return 0, "one worker recognises what comes again"
		}
		return held + int(float64(s.rate)*recordsEvery.Seconds()), "what the workers held, and what they settled since the position was recorded"
	case loseDurableUnseen:
		return lanes*held + int(float64(s.rate)*recordsEvery.Seconds()), "what the workers held, and what they settled since the position was recorded"
	case fillDisk:
		return lanes * (held + int(float64(s.rate)*f.long.Seconds())), "what the workers held, and what they settled while nothing could be written"
	case treatFake:
		return held, "what the provider took and could not say so"
	case fillRetries, fillLetters:
		return 0, "what cannot be stored stays in hand"
	case replaceWorker, restartWorker, scriptFake, revokeTokens, moveWorker, abandonDurable, loseBucket, mistakeKey:
	}
	return 0, "none"
}

// bound is how many duplicates all faults together may cause.
func (s shape) bound(done []step) int {
	total := 0
	for _, f := range done {
		n, _ := s.allowance(f)
		total += n
	}
	return total
}
