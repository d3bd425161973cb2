package consumer

import (
	"sync/atomic"
	"time"
)

// remembered is how many messages a settled table tells apart: the last 65,536
// sequences of its stream, more than a second of acks at full speed, where a
// broker crash forgets about 0.2 s of them.
const remembered = 1 << 16

// state is what an intake knows of a message it has seen before.
type state uint8

const (
	unseen   state = iota + 1 // take it
	inFlight                  // this process still holds an earlier delivery
	finished                  // this process has settled it
)

// settledTable recognises messages that the broker delivers again although this
// process holds or has settled them, which happens after a broker crash. A
// message is identified by its sequence and the time the stream stored it, so a
// recreated stream, which numbers from 1 again, cannot be mistaken for the old
// one. The table is direct-mapped and bounded: a sequence shares its place with
// those a multiple of 65,536 away and the newest wins. Without locks; one word a
// message.
type settledTable struct {
	places [remembered]atomic.Uint64
}

// begin notes that a delivery of the message has arrived and says what was known.
func (t *settledTable) begin(seq uint64, stored time.Time) state {
	place, mark := t.place(seq, stored)
	for {
		before := place.Load()
		switch before {
		case mark:
			return inFlight
		case mark | 1:
			return finished
		}
		if place.CompareAndSwap(before, mark) { // else its place was taken or its message settled meanwhile
			return unseen
		}
	}
}

// finish notes that the message is settled for good.
func (t *settledTable) finish(seq uint64, stored time.Time) {
	place, mark := t.place(seq, stored)
	place.CompareAndSwap(mark, mark|1)
}

// forget notes that the message was handed back and may come again.
func (t *settledTable) forget(seq uint64, stored time.Time) {
	place, mark := t.place(seq, stored)
	place.CompareAndSwap(mark, 0)
}

// place returns the message's place and its in-flight mark: the store time in
// nanoseconds, shifted so that the lowest bit says "finished".
func (t *settledTable) place(seq uint64, stored time.Time) (place *atomic.Uint64, mark uint64) {
	return &t.places[seq%remembered], uint64(stored.UnixNano()) << 1
}
