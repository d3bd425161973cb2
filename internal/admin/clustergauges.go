package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// clusterGauges are what the broker knows of lanes and streams. Every process asks
// the same broker and reports the same numbers, which the label scope="cluster"
// says: take max, not sum, over processes.
type clusterGauges struct {
	pending, retries, oldest, paused *prometheus.Desc // by handler
	messages, bytes, limit           *prometheus.Desc // by stream
	letters, abandoned               *prometheus.Desc
}

func newClusterGauges() clusterGauges {
	cluster := prometheus.Labels{"scope": "cluster"}
	gauge := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pushworker_"+name, help+" Every process reports the same number: take max, not sum.", labels, cluster)
	}
	return clusterGauges{
		pending:   gauge("lane_pending", "Receipts not yet delivered to any process.", "handler"),
		retries:   gauge("lane_retries_waiting", "Retries not yet delivered to any process.", "handler"),
		oldest:    gauge("lane_oldest_pending_age_seconds", "Age of the oldest receipt that the lane has not settled; 0 when there is none.", "handler"),
		paused:    gauge("lane_paused", "1 while an operator has paused the lane or a part of it.", "handler"),
		messages:  gauge("stream_messages", "Messages in the stream.", "stream"),
		bytes:     gauge("stream_bytes", "Bytes that the stream holds.", "stream"),
		limit:     gauge("stream_limit_bytes", "Bytes that the stream may hold; -1 without a limit. At the limit publishers are refused.", "stream"),
		letters:   gauge("dead_letters_waiting", "Dead letters in the dead-letter stream."),
		abandoned: gauge("abandoned_durables", "Durables of lanes that no worker runs. They keep receipts, so the stream fills up."),
	}
}

func (g clusterGauges) describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.pending, g.retries, g.oldest, g.paused, g.messages, g.bytes, g.limit, g.letters, g.abandoned} {
		descs <- d
	}
}

// collect exports what s knows of t.
func (g clusterGauges) collect(s status.Stats, t topology.Topology, metrics chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, value float64, label ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, label...)
	}
	for _, lane := range s.Lanes {
		put(g.pending, float64(lane.Pending), lane.Handler)
		put(g.retries, float64(lane.RetriesWaiting), lane.Handler)
		put(g.oldest, lane.OldestPendingSeconds, lane.Handler)
		put(g.paused, boolean(lane.Paused), lane.Handler)
	}
	if len(s.Streams) > 0 { // else nothing is known
		put(g.abandoned, float64(s.AbandonedDurables))
	}
	for _, stream := range s.Streams {
		put(g.messages, float64(stream.Messages), stream.Stream)
		put(g.bytes, float64(stream.Bytes), stream.Stream)
		put(g.limit, float64(stream.MaxBytes), stream.Stream)
		if stream.Stream == t.DeadStream() {
			put(g.letters, float64(stream.Messages))
		}
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
