package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/broker"
)

// roundTrip measures how long the broker takes to answer a ping. Each reading shows the
// last measurement and asks for the next one, so that no reading waits for the broker,
// and nothing is sent while nobody reads.
type roundTrip struct {
	connected func() bool
	ping      func(context.Context) (time.Duration, error)

	wanted chan struct{} // room for one: a measurement serves all who read before it
	last   atomic.Int64  // in ns; 0 for none
	desc   *prometheus.Desc
}

var _ prometheus.Collector = (*roundTrip)(nil)

func newRoundTrip(conn *broker.Conn) *roundTrip {
	return &roundTrip{
		connected: conn.Connected, ping: conn.RoundTrip, wanted: make(chan struct{}, 1),
		desc: prometheus.NewDesc("pushworker_broker_round_trip_seconds",
			"How long the broker took to answer a ping, which was sent at the scrape before. Absent without a connection.", nil, nil),
	}
}

// Run measures at once, and then after each reading, until ctx ends; it returns nil.
func (r *roundTrip) Run(ctx context.Context) error {
	for {
		took, err := r.ping(ctx)
		if err != nil {
			took = 0
		}
		r.last.Store(int64(took))
		select {
		case <-r.wanted:
		case <-ctx.Done():
			return nil
		}
	}
}

// Describe implements [prometheus.Collector].
func (r *roundTrip) Describe(descs chan<- *prometheus.Desc) { descs <- r.desc }

// Collect implements [prometheus.Collector].
func (r *roundTrip) Collect(metrics chan<- prometheus.Metric) {
	if took := time.Duration(r.last.Load()); took > 0 && r.connected() {
		metrics <- prometheus.MustNewConstMetric(r.desc, prometheus.GaugeValue, took.Seconds())
	}
	select {
	case r.wanted <- struct{}{}:
	default:
	}
}
