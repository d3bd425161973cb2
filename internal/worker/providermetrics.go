package worker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/pkg/push"
)

// measure registers what handlers measure of their providers.
func (hs *handlers) measure(reg prometheus.Registerer) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pushworker_provider_requests_total",
		Help: "Requests to the provider by the class of its answer. One device's message is one request.",
	}, []string{"handler", "class"})
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                        "pushworker_provider_request_duration_seconds",
		Help:                        "Time from a request to the provider's answer.",
		Buckets:                     []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15},
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
	}, []string{"handler"})
	reg.MustRegister(requests, took)
	for _, h := range hs.enabled {
		if m, ok := h.handler.(push.Metered); ok && len(m.Classes()) > 0 {
			byClass := make(map[string]prometheus.Counter)
			for _, class := range m.Classes() {
				byClass[class] = requests.WithLabelValues(h.name, class)
			}
			durations := took.WithLabelValues(h.name)
			m.Measure(func(class string, d time.Duration) {
				byClass[class].Inc()
				durations.Observe(d.Seconds())
			})
		}
	}
}
