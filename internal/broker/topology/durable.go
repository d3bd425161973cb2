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

// Durables returns the wanted durables of one handler: one for each stream of receipts, then
// those of retries and of suspects.
//
// There is no BackOff, which would distort delayed naks, and no MaxDeliver, which
// would strand messages unseen.
func (t Topology) Durables(handler string) []Durable {
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
	var all []Durable
	for _, stream := range t.ReceiptStreams() {
		all = append(all, Durable{handler, stream, fresh})
	}
	return append(all, Durable{handler, t.RetryStream(), retries}, Durable{handler, t.RetryStream(), suspects})
}

// Retries is the wanted durable of a handler's retries.
func (t Topology) Retries(handler string) Durable {
	all := t.Durables(handler)
	return all[len(all)-2]
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
