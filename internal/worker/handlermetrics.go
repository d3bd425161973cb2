package worker

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/pkg/push"
)

// handlerMetrics exports what handlers say of themselves.
type handlerMetrics struct {
	states handlerStates

	expiry, refreshes                                  *prometheus.Desc // of credentials
	connections, inFlight, inFlightLimit, perSecondNow *prometheus.Desc // of a provider
}

var _ prometheus.Collector = handlerMetrics{}

func newHandlerMetrics(states handlerStates) handlerMetrics {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pushworker_"+name, help, append([]string{"handler"}, labels...), nil)
	}
	return handlerMetrics{
		states: states,
		expiry: describe("credentials_expiry_timestamp_seconds",
			"When the handler's access to the provider expires unless it is renewed (token or credentials). Absent if it does not expire, or there is none."),
		refreshes: describe("credentials_refreshes_total",
			"Attempts to renew the access token: renewed, refused (the credentials are no good), failed (no answer, or no credentials to read).", "result"),
		connections: describe("provider_connections", "Open connections of this process to the provider."),
		inFlight:    describe("provider_in_flight", "Requests of this process to the provider that are open."),
		inFlightLimit: describe("provider_in_flight_limit",
			"How many requests of this process to the provider may be open now. It falls when the provider asks for less, and rises again with what it accepts."),
		perSecondNow: describe("provider_per_second_limit",
			"How many requests a second this process may make to the provider now: per_second, or less after the start and after an outage. +Inf without per_second."),
	}
}

// Describe implements [prometheus.Collector].
func (m handlerMetrics) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.expiry, m.refreshes, m.connections, m.inFlight, m.inFlightLimit, m.perSecondNow} {
		descs <- d
	}
}

// Collect implements [prometheus.Collector].
func (m handlerMetrics) Collect(metrics chan<- prometheus.Metric) {
	for name, h := range m.states {
		state := h.State()
		m.credentials(name, state, metrics)
		if measured, ok := h.(push.Metered); ok && len(measured.Classes()) > 0 {
			m.provider(name, state, metrics)
		}
	}
}

// credentials exports how it stands with what the provider lets the handler in with.
func (m handlerMetrics) credentials(name string, s push.State, metrics chan<- prometheus.Metric) {
	if at := s.CredentialsExpire; !at.IsZero() {
		metrics <- prometheus.MustNewConstMetric(m.expiry, prometheus.GaugeValue, float64(at.Unix()), name)
	}
	if s.Refreshes == nil {
		return
	}
	for result, n := range map[string]uint64{"renewed": s.Refreshes.Renewed, "refused": s.Refreshes.Refused, "failed": s.Refreshes.Failed} {
		metrics <- prometheus.MustNewConstMetric(m.refreshes, prometheus.CounterValue, float64(n), name, result)
	}
}

// provider exports how many requests the handler makes, and may make.
func (m handlerMetrics) provider(name string, s push.State, metrics chan<- prometheus.Metric) {
	pace := s.PerSecond
	if pace == 0 {
		pace = math.Inf(1)
	}
	gauge := func(d *prometheus.Desc, value float64) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, name)
	}
	gauge(m.connections, float64(s.Connections))
	gauge(m.inFlight, float64(s.InFlight))
	gauge(m.inFlightLimit, float64(s.InFlightLimit))
	gauge(m.perSecondNow, pace)
}
