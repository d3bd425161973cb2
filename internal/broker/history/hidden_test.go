package history_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/history"
)

// publishRaw publishes to push.receipts with a block of headers as it stands.
func publishRaw(t *testing.T, r *brokertest.Rig, headers string) {
	t.Helper()
	u, err := url.Parse(r.Broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	const data = "data"
	_, err = fmt.Fprintf(conn, "CONNECT {\"headers\":true,\"verbose\":false}\r\nHPUB push.receipts %d %d\r\n%s%s\r\nPING\r\n", len(headers), len(headers)+len(data), headers, data)
	for in := bufio.NewScanner(conn); err == nil && in.Scan(); {
		switch line := in.Text(); {
		case line == "PONG":
			return
		case strings.HasPrefix(line, "-ERR"):
			t.Fatal(line)
		}
	}
	t.Fatalf("the connection ended: %v", err)
}

// awaitLast waits until the stream PUSH has seq messages.
func awaitLast(t *testing.T, r *brokertest.Rig, seq uint64) (state jetstream.StreamState) {
	t.Helper()
	brokertest.Eventually(t, "stored", func() bool {
		info, err := r.Conn.StreamInfo(t.Context(), "PUSH")
		if err != nil {
			t.Fatal(err)
		}
		state = info.State
		return state.LastSeq == seq
	})
	return state
}

// TestHeadersThatHideTheBrokers: a message whose headers end before those that the broker
// adds looks like its word that there is nothing, or like nothing at all. A reading says so
// and does not end as if it were complete.
func TestHeadersThatHideTheBrokers(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]string{
		"an end of its own": "NATS/1.0\r\nStatus: 404\r\nDescription: Message Not Found\r\n\r\n\r\n",
		"a status":          "NATS/1.0 404 Message Not Found\r\n\r\n\r\n",
		"no colon":          "NATS/1.0\r\nno colon\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t)
			h := history.New(r.Conn, "PUSH")
			r.Publish(t, 2)
			publishRaw(t, r, headers)
			awaitLast(t, r, 3)
			if _, _, err := h.Bounds(t.Context(), history.Stretch{}); !errors.Is(err, broker.ErrHidden) {
				t.Errorf("as the last message: %v, want %v", err, broker.ErrHidden)
			}
			r.Publish(t, 2)
			var got []uint64
			var failed error
			for m, err := range h.Read(t.Context(), history.Stretch{}) {
				if failed = err; err == nil {
					got = append(got, m.Seq)
				}
			}
			if len(got) != 2 || !errors.Is(failed, broker.ErrHidden) {
				t.Errorf("a reading has %v, then %v; want two messages and then %v", got, failed, broker.ErrHidden)
			}
			brokertest.WantError(t, failed, "message 3", "nats stream rmm")
			if _, err := h.Get(t.Context(), 3); !errors.Is(err, broker.ErrHidden) {
				t.Errorf("Get: %v, want %v", err, broker.ErrHidden)
			}
			if _, err := r.Conn.First(t.Context(), "PUSH", 3, ">"); !errors.Is(err, broker.ErrHidden) {
				t.Errorf("First: %v, want %v", err, broker.ErrHidden)
			}
		})
	}
}

// TestHeadersLikeTheBrokers: headers of a publisher's that are called as the broker's are
// not taken for those.
func TestHeadersLikeTheBrokers(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	publishRaw(t, r, "NATS/1.0\r\nNats-Num-Pending: x\r\nNats-Time-Stamp: 2001-01-01T00:00:00Z\r\nNats-Sequence: 7\r\n\r\n")
	stored := awaitLast(t, r, 1).FirstTime
	r.Publish(t, 1)
	first, err := r.Conn.First(t.Context(), "PUSH", 1, ">")
	if err != nil || first.Count != 2 || !first.Stored.Equal(stored) {
		t.Errorf("First = %+v, %v; want two messages, the first of %s", first, err, stored)
	}
}
