package worker

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/pkg/push"
)

// handlerStates are the handlers that can say how they are, by name. It is a
// [prometheus.Collector].
type handlerStates map[string]push.Stater

// expiry describes what handlerStates exports.
func expiry() *prometheus.Desc {
	return prometheus.NewDesc("pushworker_credentials_expiry_timestamp_seconds",
		"When the handler's access to the provider expires unless it is renewed (token or credentials). Absent if it does not expire, or there is none.", []string{"handler"}, nil)
}

func (hs *handlers) states() handlerStates {
	states := make(handlerStates)
	for _, h := range hs.enabled {
		if s, ok := h.handler.(push.Stater); ok {
			states[h.name] = s
		}
	}
	return states
}

// check is a check of readiness: that nothing of the handler has to be corrected. It only
// warns, as a provider that lets nobody in is no reason to take the process away.
func (s handlerStates) check(name string) admin.Check {
	return admin.Check{Name: "handler " + name, Run: func(context.Context) error {
		if problem := s[name].State().Problem; problem != nil {
			return admin.WarningError{Err: problem}
		}
		return nil
	}}
}

// addTo adds to a status what the handlers say.
func (s handlerStates) addTo(status *admin.Status) {
	for i, lane := range status.Lanes {
		h, ok := s[lane.Handler]
		if !ok {
			continue
		}
		state := h.State()
		if !state.CredentialsExpire.IsZero() {
			status.Lanes[i].CredentialsExpire = state.CredentialsExpire.UTC().Truncate(time.Second)
		}
		if state.Problem != nil {
			status.Lanes[i].Problem = state.Problem.Error()
		}
	}
}

// connections describes the gauge of open connections.
func connections() *prometheus.Desc {
	return prometheus.NewDesc("pushworker_provider_connections",
		"Open connections of this process to the provider.", []string{"handler"}, nil)
}

// Describe implements [prometheus.Collector].
func (s handlerStates) Describe(descs chan<- *prometheus.Desc) {
	descs <- expiry()
	descs <- connections()
}

// Collect implements [prometheus.Collector].
func (s handlerStates) Collect(metrics chan<- prometheus.Metric) {
	for name, h := range s {
		state := h.State()
		if at := state.CredentialsExpire; !at.IsZero() {
			metrics <- prometheus.MustNewConstMetric(expiry(), prometheus.GaugeValue, float64(at.Unix()), name)
		}
		if m, ok := h.(push.Metered); ok && len(m.Classes()) > 0 {
			metrics <- prometheus.MustNewConstMetric(connections(), prometheus.GaugeValue, float64(state.Connections), name)
		}
	}
}
