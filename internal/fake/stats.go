package fake

import (
	"strconv"
	"sync/atomic"
)

// Stats are counters since the start or the last reset, save for those that say
// how many there are now.
type Stats struct {
	// Requests are the pushes that were asked for, answered or not; Accepted are those
	// taken, dry runs left out.
	Requests int64 `json:"requests"`
	Accepted int64 `json:"accepted"`
	// Unanswered are the accepted whose sender was not told over HTTP/2: the connection
	// ended before, or the sender gave up. To the sender they are in doubt.
	Unanswered int64 `json:"unanswered"`
	// Answers and Status count them by the name of the answer and, if they
	// were answered, by status code.
	Answers map[string]int64 `json:"answers"`
	Status  map[string]int64 `json:"status"`
	// Connections were accepted by the listener; Open are open now.
	Connections int64 `json:"connections"`
	Open        int64 `json:"open"`
	// Streams are requests in work now, whatever their path; MaxStreams is the most
	// there have been at once, MaxStreamsOfOne the most on one connection.
	Streams         int64 `json:"streams"`
	MaxStreams      int64 `json:"max_streams"`
	MaxStreamsOfOne int64 `json:"max_streams_of_one"`
	// Tokens counts the access tokens that were issued.
	Tokens int64 `json:"tokens"`
	// Missed counts requests that a subscriber was too slow for, and log lines that
	// could not be written.
	Missed int64 `json:"missed"`
}

// counters are Stats while they are counted.
type counters struct {
	requests, accepted, unanswered       atomic.Int64
	answers                              []atomic.Int64 // by index in the table
	status                               [600]atomic.Int64
	connections, open                    atomic.Int64
	streams, maxStreams, maxStreamsOfOne atomic.Int64
	tokens, missed                       atomic.Int64
}

func (c *counters) reset() {
	c.requests.Store(0)
	c.accepted.Store(0)
	c.unanswered.Store(0)
	for i := range c.answers {
		c.answers[i].Store(0)
	}
	for i := range c.status {
		c.status[i].Store(0)
	}
	c.connections.Store(0)
	c.maxStreams.Store(0)
	c.maxStreamsOfOne.Store(0)
	c.tokens.Store(0)
	c.missed.Store(0)
}

// opened counts a request that begins on a connection with so many in work.
func (c *counters) opened(onConnection int) {
	raise(&c.maxStreams, c.streams.Add(1))
	raise(&c.maxStreamsOfOne, int64(onConnection))
}

func (c *counters) closed() { c.streams.Add(-1) }

func raise(peak *atomic.Int64, n int64) {
	for {
		old := peak.Load()
		if n <= old || peak.CompareAndSwap(old, n) {
			return
		}
	}
}

func (c *counters) snapshot(t *table) Stats {
	s := Stats{
		Requests: c.requests.Load(), Accepted: c.accepted.Load(), Unanswered: c.unanswered.Load(),
		Answers: make(map[string]int64), Status: make(map[string]int64),
		Connections: c.connections.Load(), Open: c.open.Load(),
		Streams: c.streams.Load(), MaxStreams: c.maxStreams.Load(), MaxStreamsOfOne: c.maxStreamsOfOne.Load(),
		Tokens: c.tokens.Load(), Missed: c.missed.Load(),
	}
	for i := range c.answers {
		if n := c.answers[i].Load(); n > 0 {
			s.Answers[t.rows[i].Name] = n
		}
	}
	for i := range c.status {
		if n := c.status[i].Load(); n > 0 {
			s.Status[strconv.Itoa(i)] = n
		}
	}
	return s
}
