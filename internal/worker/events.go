package worker

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/outcome"
)

// recording returns what the lanes tell their outcomes to, and what publishes those.
// Nothing is told where that is switched off or there is no stream for events, which
// is no reason not to work.
func (w Worker) recording(ctx context.Context, conn *broker.Conn, t topology.Topology, d *lateDirectory, dry []string, reg prometheus.Registerer) (consumer.Observer, func(context.Context) error) {
	nothing := func(context.Context) error { return nil }
	if w.Config.Events == "off" {
		return consumer.Observer{}, nothing
	}
	preparing, cancel := context.WithTimeout(ctx, 2*broker.RequestTimeout) // lanes wait for it
	defer cancel()
	err := broker.Persist(preparing, w.Log, func() error { return w.prepareEvents(preparing, conn, t) })
	if err != nil {
		w.Log.Warn().Err(err).Msg("events are not recorded, so `pushworker explain` shows less; set PUSHWORKER_EVENTS=off if this is intended")
		return consumer.Observer{}, nothing
	}
	events := events.NewPublisher(conn)
	r := outcome.New(outcome.Options{Publish: events.Publish, PublishBrief: events.PublishBrief, Hash: d.hasher(), Clean: w.Config.Events == "all", Dry: dry}, reg)
	return r.Observer(), r.Run
}

// prepareEvents makes the stream of events or looks for it. Who may not look
// publishes all the same.
func (w Worker) prepareEvents(ctx context.Context, conn *broker.Conn, t topology.Topology) error {
	if !w.Config.Provision {
		err := events.Find(ctx, conn, t)
		if _, denied := errors.AsType[*broker.DeniedError](err); denied {
			return nil
		}
		return err
	}
	differences, err := events.Provision(ctx, conn, t)
	w.logDifferences(differences)
	return err
}
