package topology

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
)

// remedy is what to do about an error of a stream, as the end of a sentence.
func remedy(ctx context.Context, c *broker.Conn, want jetstream.StreamConfig, err error) string {
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return ""
	}
	switch int(api.ErrorCode) {
	case errSubjectOverlap:
		return subjectOwners(ctx, c, want)
	case errNoReplicas:
		return ": lower PUSHWORKER_REPLICAS, or run a cluster with so many servers"
	case errNoPeers:
		return fmt.Sprintf(": it must have %d replicas, each on a server of its own: start the servers that are missing, add some, or lower PUSHWORKER_REPLICAS", want.Replicas)
	case errMaxBytesRequired:
		return ": allow the account streams without a byte limit; a limit on retries would evict them"
	case errStorage, errAccountStorage:
		return ": lower PUSHWORKER_MAX_BYTES or give the broker's account more storage"
	}
	return ""
}

// Codes of the JetStream API that the client has no name for, from nats-server's
// errors.json.
const (
	errSubjectOverlap   = 10065
	errNoReplicas       = 10074
	errNoPeers          = 10005
	errNoResources      = 10023
	errStorage          = 10047
	errAccountStorage   = 10002
	errMaxBytesRequired = 10113
)

// subjectOwners names the streams that hold want's subjects.
func subjectOwners(ctx context.Context, c *broker.Conn, want jetstream.StreamConfig) string {
	for _, subject := range want.Subjects {
		var owner string
		err := c.Ask(ctx, "$JS.API.STREAM.NAMES", func(ctx context.Context) (err error) {
			owner, err = c.JetStream().StreamNameBySubject(ctx, subject)
			return err
		})
		if err == nil && owner != want.Name {
			return fmt.Sprintf(": stream %s already takes %s; set PUSHWORKER_STREAM=%s to use it, or PUSHWORKER_SUBJECT to another subject", owner, subject, owner)
		}
	}
	return ": another stream already takes one of its subjects; set PUSHWORKER_SUBJECT to another subject"
}

// Remedy is what to do about an error of d, as the end of a sentence.
func (d Durable) Remedy(err error) string {
	if errors.Is(err, jetstream.ErrNotPullConsumer) {
		return ": it is a push consumer of another program; rename the handler"
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok && int(api.ErrorCode) == errNoResources {
		return ": start the servers that hold its stream, or raise max_ha_assets of nats-server"
	}
	return MissingRemedy(err)
}

// MissingRemedy is what to do about something that is missing, as the end of a
// sentence.
func MissingRemedy(err error) string {
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return ": run `pushworker provision` as a user who may create streams, and check PUSHWORKER_STREAM"
	}
	return ""
}
