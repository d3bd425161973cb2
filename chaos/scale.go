package main

import "time"

// scale is how long everything takes.
type scale struct {
	load    time.Duration // receipts are published for
	ackWait time.Duration // PUSHWORKER_ACK_WAIT
	frozen  time.Duration // a process stands still; longer than ackWait
	cut     time.Duration // a connection is cut; longer than ackWait
	outage  time.Duration // the provider is down
	settle  time.Duration // may pass until everything is settled
}

// quick makes a scenario last half a minute at most.
func quick() scale {
	return scale{
		load: 12 * time.Second, ackWait: 3 * time.Second, frozen: 5 * time.Second, cut: 5 * time.Second,
		outage: 6 * time.Second, settle: 90 * time.Second,
	}
}

// long has faults that outlast the timeouts of client and broker.
func long() scale {
	return scale{
		load: 3 * time.Minute, ackWait: 15 * time.Second, frozen: 30 * time.Second, cut: time.Minute,
		outage: time.Minute, settle: 10 * time.Minute,
	}
}
