package queue

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/consumer"
)

// greetEvery is how often a process says that it is there. One that has heard nobody
// else for three times as long tells nothing.
const greetEvery = 10 * time.Second

// marksMessage is what goes over push.marks.<stream>. Without marks it is a greeting.
type marksMessage struct {
	// From names the process.
	From  string          `json:"from"`
	Marks []consumer.Mark `json:"marks,omitempty"`
}

// ShareMarks tells the other workers of the stream what m learns from the lanes here,
// and m what the others tell, until ctx ends. It is best effort: no message is stored,
// and none is awaited. A process that is alone sends a greeting every 10 s and nothing
// else.
func ShareMarks(ctx context.Context, c *broker.Conn, t topology.Topology, m *consumer.Marks) error {
	s := &sharing{conn: c, subject: wire.MarksPrefix + t.Stream, self: rand.Text(), marks: m}
	s.own = []byte(`{"from":"` + s.self + `"`)
	sub, err := c.NATS().Subscribe(s.subject, s.hear)
	if err != nil {
		return fmt.Errorf("subscribing to %s: %w", s.subject, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails only when the connection is closed
	greeting := time.NewTicker(greetEvery)
	defer greeting.Stop()
	go s.greet(ctx, greeting.C)
	m.Run(ctx, s.tell)
	return nil
}

// sharing is one process's part in it.
type sharing struct {
	conn    *broker.Conn
	subject string
	self    string
	own     []byte // what the messages of this process begin with
	marks   *consumer.Marks
	heard   atomic.Int64 // when another process last said something, in nanoseconds
}

// greet says that this process is there, and looks whether others are.
func (s *sharing) greet(ctx context.Context, tick <-chan time.Time) {
	for {
		s.tell(nil)
		select {
		case <-tick:
			s.marks.Share(time.Now().UnixNano()-s.heard.Load() < int64(3*greetEvery))
		case <-ctx.Done():
			return
		}
	}
}

// tell publishes marks, and waits for nobody.
func (s *sharing) tell(marks []consumer.Mark) {
	if !s.conn.Connected() {
		return
	}
	if text, err := json.Marshal(marksMessage{From: s.self, Marks: marks}); err == nil {
		_ = s.conn.NATS().Publish(s.subject, text) // best effort
	}
}

// hear takes what another process tells. The first word of one is answered, so that
// both know at once that they are not alone.
func (s *sharing) hear(m *nats.Msg) {
	if bytes.HasPrefix(m.Data, s.own) { // a subscription gets these, too
		return
	}
	var told marksMessage
	if json.Unmarshal(m.Data, &told) != nil {
		return
	}
	now := time.Now().UnixNano()
	if now-s.heard.Swap(now) >= int64(3*greetEvery) {
		s.marks.Share(true)
		s.tell(nil)
	}
	s.marks.Learn(told.Marks)
}
