package broker

import "github.com/nats-io/nats.go/jetstream"

// durable is one wanted consumer.
type durable struct {
	lane   string
	stream string
	config jetstream.ConsumerConfig
}

// durables returns the wanted durables of one handler: fresh, retries, suspects.
//
// There is no BackOff, which would distort delayed naks, and no MaxDeliver, which
// would strand messages unseen.
func (t Topology) durables(handler string) [3]durable {
	fresh := jetstream.ConsumerConfig{
		Durable: handler, Description: "lane " + handler, AckPolicy: jetstream.AckExplicitPolicy,
		DeliverPolicy: jetstream.DeliverAllPolicy, AckWait: t.AckWait, MaxDeliver: -1, MaxAckPending: maxAckPending,
	}
	retries := fresh
	retries.Description = "retries of lane " + handler
	retries.FilterSubject = retryPrefix + handler
	suspects := retries
	suspects.Durable = handler + suspectsName
	suspects.Description = "receipts of lane " + handler + " that may be killing processes, one at a time"
	suspects.FilterSubject = retryPrefix + handler + suspectsToken
	suspects.MaxAckPending = 1
	return [3]durable{{handler, t.Stream, fresh}, {handler, t.retryStream(), retries}, {handler, t.retryStream(), suspects}}
}

// String names the durable in differences and errors.
func (d durable) String() string {
	return "durable " + d.config.Durable + " of stream " + d.stream
}

func (d durable) createSubject() string {
	subject := "$JS.API.CONSUMER.CREATE." + d.stream + "." + d.config.Durable
	if d.config.FilterSubject != "" {
		subject += "." + d.config.FilterSubject
	}
	return subject
}
