package broker

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// Answers of a cluster without a leader, and of what is on nodes that are down.
func TestIsLeaderless(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code jetstream.ErrorCode
		text string
		want bool
	}{
		{10008, "JetStream system temporarily unavailable", true},
		{10118, "stream is offline", true},
		{10119, "consumer is offline", true},
		{10005, "no suitable peers for placement, peer offline", true},
		{10005, "no suitable peers for placement", false},
		{10005, "no suitable peers for placement, tags not matched ['ssd']", false},
		{10059, "stream not found", false},
	} {
		err := fmt.Errorf("asking: %w", &jetstream.APIError{ErrorCode: c.code, Description: c.text})
		if got := isLeaderless(err); got != c.want {
			t.Errorf("%d %s: %v, want %v", c.code, c.text, got, c.want)
		}
	}
	if isLeaderless(errors.New("other")) {
		t.Error("what is no answer of the broker is leaderless")
	}
}
