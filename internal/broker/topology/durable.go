package topology

import (
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/wire"
)

// Durable is one wanted consumer.
type Durable struct {
	Lane   string
	Stream string
	Config jetstream.ConsumerConfig
}

// Durables returns the wanted durables of one handler: fresh, retries, suspects.
//
// There is no BackOff, which would distort delayed naks, and no MaxDeliver, which
// would strand messages unseen.
func (t Topology) Durables(handler string) [3]Durable {
	fresh := jetstream.ConsumerConfig{
		Durable: handler, Description: "lane " + handler, AckPolicy: jetstream.AckExplicitPolicy,
		DeliverPolicy: jetstream.DeliverAllPolicy, AckWait: t.AckWait, MaxDeliver: -1, MaxAckPending: maxAckPending,
	}
	retries := fresh
	retries.Description = "retries of lane " + handler
	retries.FilterSubject = wire.RetryPrefix + handler
	suspects := retries
	suspects.Durable = handler + SuspectsName
	suspects.Description = "receipts of lane " + handler + " that may be killing processes, one at a time"
	suspects.FilterSubject = wire.RetryPrefix + handler + wire.SuspectsToken
	suspects.MaxAckPending = 1
	return [3]Durable{{handler, t.Stream, fresh}, {handler, t.RetryStream(), retries}, {handler, t.RetryStream(), suspects}}
}

// String names the durable in differences and errors.
func (d Durable) String() string {
	return "durable " + d.Config.Durable + " of stream " + d.Stream
}

// CreateSubject is where the durable is made.
func (d Durable) CreateSubject() string {
	subject := "$JS.API.CONSUMER.CREATE." + d.Stream + "." + d.Config.Durable
	if d.Config.FilterSubject != "" {
		subject += "." + d.Config.FilterSubject
	}
	return subject
}
