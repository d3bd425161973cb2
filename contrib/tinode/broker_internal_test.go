package tinode

import (
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestBrokerIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		connected bool
		states    []nats.Status
		want      []string
	}{
		"connected":    {true, []nats.Status{nats.CONNECTED}, nil},
		"lost":         {true, []nats.Status{nats.DISCONNECTED, nats.RECONNECTING}, []string{brokerAway}},
		"lost, back":   {true, []nats.Status{nats.DISCONNECTED, nats.RECONNECTING, nats.CONNECTED}, []string{brokerAway, brokerBack}},
		"never there":  {false, []nats.Status{nats.RECONNECTING}, []string{brokerAway}},
		"there, later": {false, []nats.Status{nats.CONNECTED}, []string{brokerAway, brokerBack}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			states := make(chan nats.Status, len(c.states))
			for _, s := range c.states {
				states <- s
			}
			close(states)
			var said []string
			tellOf(t.Context(), c.connected, states, func(text string) { said = append(said, text) })
			if !slices.Equal(said, c.want) {
				t.Errorf("said %q, want %q", said, c.want)
			}
		})
	}
}
