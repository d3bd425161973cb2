package consumer

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// Metrics counts what lanes do. All names carry the prefix pushworker_.
type Metrics struct {
	reg      prometheus.Registerer
	settled  *prometheus.CounterVec
	dropped  *prometheus.CounterVec
	repeated *prometheus.CounterVec
	targets  *prometheus.CounterVec
	letters  *prometheus.CounterVec
	age      *prometheus.HistogramVec
	handle   *prometheus.HistogramVec
	wait     *prometheus.HistogramVec
	skew     *skewWatch
}

// nativeFactor and nativeBuckets are for native histograms, which are served beside the
// classic ones to a Prometheus that asks for them: a value is known to a tenth.
const nativeFactor, nativeBuckets = 1.1, 160

// NewMetrics registers the lanes' metrics with reg.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 21600}
	m := &Metrics{
		reg:  reg,
		skew: newSkewWatch(reg),
		settled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushworker_receipts_settled_total",
			Help: "Receipts that left a lane, by verdict. verdict=\"redeliver\" is not final: the receipt is delivered again. Final outcomes are ack, expire and bury.",
		}, []string{"handler", "verdict"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushworker_receipts_dropped_total",
			Help: "Receipts that were handed back because the handler was not ready or was full.",
		}, []string{"handler"}),
		repeated: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushworker_receipts_repeated_total",
			Help: "Deliveries that were ignored because this process held the receipt or had settled it.",
		}, []string{"handler"}),
		targets: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushworker_targets_total",
			Help: "Devices and channels by result. accepted, skipped, gone and rejected are final; retried counts tries that are repeated.",
		}, []string{"handler", "result"}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushworker_dead_letters_total",
			Help: "Dead letters of the lane, by reason. A malformed receipt makes one letter, but each lane counts it: take max by (reason), not sum, over handlers.",
		}, []string{"handler", "reason"}),
		age: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                        "pushworker_receipt_age_seconds",
			Help:                        "Time from publish to the final outcome.",
			Buckets:                     seconds,
			NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeBuckets,
		}, []string{"handler"}),
		handle: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                        "pushworker_handle_duration_seconds",
			Help:                        "Time that a handler worked on a receipt. Waiting in its channel is not part of it.",
			Buckets:                     seconds,
			NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeBuckets,
		}, []string{"handler"}),
		wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                        "pushworker_handle_wait_seconds",
			Help:                        "Time that a receipt waited in a handler's channel before the handler began to work on it.",
			Buckets:                     seconds,
			NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeBuckets,
		}, []string{"handler"}),
	}
	reg.MustRegister(m.settled, m.dropped, m.repeated, m.targets, m.letters, m.age, m.handle, m.wait)
	return m
}

// laneMetrics are one lane's series, looked up once.
type laneMetrics struct {
	verdicts [retry.Bury + 1]prometheus.Counter
	letters  [retry.Panic + 1]prometheus.Counter
	dropped  prometheus.Counter
	repeated prometheus.Counter
	accepted prometheus.Counter
	retried  prometheus.Counter
	rejected prometheus.Counter
	skipped  prometheus.Counter
	gone     prometheus.Counter
	age      prometheus.Observer
	handle   prometheus.Observer
	wait     prometheus.Observer
	skew     *skewWatch
}

// lane looks up one lane's series, and exports its gauges.
func (m *Metrics) lane(handler string, g laneGauges) *laneMetrics {
	g.register(m.reg, handler)
	m.skew.show(handler)
	l := &laneMetrics{
		skew:     m.skew,
		dropped:  m.dropped.WithLabelValues(handler),
		repeated: m.repeated.WithLabelValues(handler),
		accepted: m.targets.WithLabelValues(handler, "accepted"),
		retried:  m.targets.WithLabelValues(handler, "retried"),
		rejected: m.targets.WithLabelValues(handler, "rejected"),
		skipped:  m.targets.WithLabelValues(handler, "skipped"),
		gone:     m.targets.WithLabelValues(handler, "gone"),
		age:      m.age.WithLabelValues(handler),
		handle:   m.handle.WithLabelValues(handler),
		wait:     m.wait.WithLabelValues(handler),
	}
	for v := retry.Ack; v <= retry.Bury; v++ {
		l.verdicts[v] = m.settled.WithLabelValues(handler, v.String())
	}
	for _, reason := range retry.Reasons() {
		l.letters[reason] = m.letters.WithLabelValues(handler, reason.String())
	}
	return l
}

// count adds the fates of a receipt's targets, most of which are none.
func (l *laneMetrics) count(t push.Targets) {
	add(l.accepted, t.Accepted)
	add(l.skipped, t.Skipped)
	add(l.gone, t.Gone)
	add(l.rejected, t.Rejected)
	add(l.retried, t.Retried)
}

func add(c prometheus.Counter, n int) {
	if n > 0 {
		c.Add(float64(n))
	}
}
