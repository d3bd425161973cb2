package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/pushworker/pushworker/internal/retry"
)

// summaryEvery is how often a lane says what it has done.
const summaryEvery = time.Minute

// figure is one number of a summary: by how much a counter has grown.
type figure struct {
	name    string
	counter prometheus.Counter
	told    float64
	settles bool // it counts receipts that are settled for good
}

// figures are what a summary consists of: five of receipts, four of targets.
func (l *laneMetrics) figures() []figure {
	return []figure{
		{name: "acked", counter: l.verdicts[retry.Ack], settles: true},
		{name: "expired", counter: l.verdicts[retry.Expire], settles: true},
		{name: "buried", counter: l.verdicts[retry.Bury], settles: true},
		{name: "redelivered", counter: l.verdicts[retry.Redeliver]},
		{name: "dropped", counter: l.dropped},
		{name: "accepted", counter: l.accepted},
		{name: "skipped", counter: l.skipped},
		{name: "gone", counter: l.gone},
		{name: "rejected", counter: l.rejected},
	}
}

// grown is by how much the counter has grown since it was last asked.
func (f *figure) grown() uint64 {
	var m dto.Metric
	if f.counter.Write(&m) != nil {
		return 0 // a later summary tells it
	}
	now := m.GetCounter().GetValue()
	n := uint64(now - f.told)
	f.told = now
	return n
}

// summaries writes once a minute what the lane has done, and the rest when ctx ends.
func (l *Lane) summaries(ctx context.Context) {
	figures, last := l.metrics.figures(), time.Now()
	ticker := time.NewTicker(summaryEvery)
	defer ticker.Stop()
	for going := true; going; {
		select {
		case <-ctx.Done():
			going = false
		case <-ticker.C:
		}
		past := time.Since(last)
		last = last.Add(past)
		l.tellFolded(past)
		l.summarise(figures, past)
	}
}

// summarise writes what the lane has done in the time past, if it has done anything.
func (l *Lane) summarise(figures []figure, past time.Duration) {
	e := l.log.Info()
	var receipts, all uint64
	for i := range figures {
		n := figures[i].grown()
		e.Uint64(figures[i].name, n)
		all += n
		if figures[i].settles {
			receipts += n
		}
	}
	if all == 0 {
		e.Discard()
		return
	}
	if why := errors.Join(l.retries.fault(l.name), l.letters.fault(l.name), l.breaker.reason()); why != nil {
		e.Err(why)
	}
	e.Msg(fmt.Sprintf("lane %s: %s settled in the last %s", l.name, counted(receipts, "receipt"), inWords(past)))
}
