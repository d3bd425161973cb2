package status

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
)

// Try tries one permission: to subscribe, or with send to publish.
func Try(ctx context.Context, c *broker.Conn, subject string, send func(string) *nats.Msg) error {
	return try(ctx, c, probe{Permission{Subject: subject}, send})
}

// Question is a request without arguments.
func Question(subject string) *nats.Msg { return question(subject) }
