package brokertest

import (
	"bytes"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// Log is a log that several goroutines write.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is what was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Worker is a user with no more rights than a worker needs that does not
// provision, as the package comment lists them.
func Worker() User {
	return User{
		Name: "worker",
		Publish: []string{
			"$JS.API.STREAM.INFO.PUSH", "$JS.API.STREAM.INFO.PUSH_RETRY", "$JS.API.STREAM.INFO.PUSH_DEAD",
			"$JS.API.CONSUMER.INFO.PUSH.fcm", "$JS.API.CONSUMER.MSG.NEXT.PUSH.fcm", "$JS.ACK.PUSH.fcm.>", "$JS.ACK.*.*.PUSH.fcm.>",
			"$JS.API.CONSUMER.INFO.PUSH_RETRY.fcm", "$JS.API.CONSUMER.MSG.NEXT.PUSH_RETRY.fcm", "$JS.ACK.PUSH_RETRY.fcm.>", "$JS.ACK.*.*.PUSH_RETRY.fcm.>",
			"$JS.API.CONSUMER.INFO.PUSH_RETRY.fcm-suspects", "$JS.API.CONSUMER.MSG.NEXT.PUSH_RETRY.fcm-suspects",
			"$JS.ACK.PUSH_RETRY.fcm-suspects.>", "$JS.ACK.*.*.PUSH_RETRY.fcm-suspects.>",
			"push.schedule.fcm.>", "push.retry.fcm", "push.retry.fcm.suspects", "push.dead.fcm", "push.dead._malformed.>",
		},
		Subscribe: []string{"_INBOX_worker.>"},
	}
}

// Admin is a user who may do everything.
func Admin() User {
	return User{Name: "admin", Publish: []string{">"}, Subscribe: []string{">"}}
}

// Restricted provisions as admin and connects as user.
func Restricted(t *testing.T, user User, log *Log) (*Rig, *broker.Conn) {
	t.Helper()
	url := StartWithUsers(t, user, Admin())
	r := &Rig{Topology: (*Broker)(nil).Topology("fcm")}
	r.NATS, r.JetStream = Client(t, url("admin"))
	dial := func(o broker.Options) *broker.Conn {
		c, err := broker.Connect(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	r.Conn = dial(broker.Options{URL: url("admin")})
	if _, err := topology.Provision(t.Context(), r.Conn, r.Topology); err != nil {
		t.Fatal(err)
	}
	return r, dial(broker.Options{URL: url("worker"), InboxPrefix: "_INBOX_worker", Log: zerolog.New(log)})
}
