package replay

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/pkg/push"
)

// recordReplay returns what writes the outcomes of a replay beside those of the lane,
// so that explain knows of them, and what ends that.
func (a command) recordReplay(ctx context.Context, c *config.Config, conn *broker.Conn, handler string) (tell func(replay.Outcome), end func()) {
	hash := func(string) string { return "" } // without a bucket there is no salt
	if directory, err := devices.Open(ctx, conn, devices.Options{Log: a.Logger(c.Log)}); err == nil {
		hash = directory.Hash
	}
	recorder := outcome.New(outcome.Options{Publish: events.NewPublisher(conn).Publish, Hash: hash}, prometheus.NewRegistry())
	recording, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = recorder.Run(recording) }) // has no error
	observer := recorder.Observer()
	return func(o replay.Outcome) { observer.Tell(replayed(c.Stream, handler, o)) }, func() {
		stop()
		running.Wait()
	}
}

// replayed is an outcome in the form in which lanes tell theirs.
func replayed(stream, handler string, o replay.Outcome) consumer.Outcome {
	out := consumer.Outcome{
		At: time.Now(), Handler: handler, Replayed: true, Attempts: 1,
		Origin: consumer.Origin{RootStream: stream, RootSeq: o.Seq, First: o.Stored},
		Counts: o.Counts, Targets: o.Receipt.Itemized(), Users: make([]push.Uid, 0, len(o.Receipt.To)),
	}
	if o.Err != nil {
		out.Error = o.Err.Error()
	}
	for user := range o.Receipt.To {
		out.Users = append(out.Users, user)
	}
	return out
}
