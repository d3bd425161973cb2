package history_test

import (
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// A history is read to its end, also when the last messages are there no more, as is
// usual in the stream of retries.
func TestHistoryWhoseLastMessageIsGone(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{"push.receipts", "receipts"} {
		t.Run(subject, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.Subject = subject })
			s, err := r.JetStream.Stream(t.Context(), "PUSH")
			if err != nil {
				t.Fatal(err)
			}
			r.Store(t, subject+".x", "1", nil)
			r.Publish(t, 3)
			for left, gone := range []uint64{4, 3, 2, 1} {
				if err := s.DeleteMsg(t.Context(), gone); err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, err := range history.New(r.Conn, "PUSH").Read(t.Context(), history.Stretch{}) {
					if err != nil {
						t.Fatal(err)
					}
					n++
				}
				if want := 3 - left; n != want {
					t.Errorf("after message %d has gone, %d are read, want %d", gone, n, want)
				}
			}
		})
	}
}
