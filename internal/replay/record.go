package replay

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/pkg/push"
)

// Record returns what writes the outcomes of receipts of a stream beside those of the
// lane handler, and what waits until they are written and ends that.
func Record(ctx context.Context, o outcome.Options, stream, handler string) (tell func(Outcome), end func()) {
	recorder := outcome.New(o, prometheus.NewRegistry())
	recording, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = recorder.Run(recording) }) // has no error
	observer := recorder.Observer()
	return func(o Outcome) { observer.Tell(replayed(stream, handler, o)) }, func() {
		stop()
		running.Wait()
	}
}

// replayed is an outcome in the form in which lanes tell theirs.
func replayed(stream, handler string, o Outcome) consumer.Outcome {
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
