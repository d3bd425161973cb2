package broker_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
)

// lines is a log that several goroutines write.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// worker is a user with no more rights than a worker needs that does not
// provision, as the package comment lists them.
func worker() brokertest.User {
	return brokertest.User{
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

func admin() brokertest.User {
	return brokertest.User{Name: "admin", Publish: []string{">"}, Subscribe: []string{">"}}
}

// restricted provisions as admin and connects as user.
func restricted(t *testing.T, user brokertest.User, log *lines) (*rig, *broker.Conn) {
	t.Helper()
	url := brokertest.StartWithUsers(t, user, admin())
	r := &rig{topo: (*brokertest.Broker)(nil).Topology("fcm")}
	r.nc, r.js = client(t, url("admin"))
	dial := func(o broker.Options) *broker.Conn {
		c, err := broker.Connect(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	r.conn = dial(broker.Options{URL: url("admin")})
	if _, err := broker.Provision(t.Context(), r.conn, r.topo); err != nil {
		t.Fatal(err)
	}
	return r, dial(broker.Options{URL: url("worker"), InboxPrefix: "_INBOX_worker", Log: zerolog.New(log)})
}
