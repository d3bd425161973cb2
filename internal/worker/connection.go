package worker

import "github.com/prometheus/client_golang/prometheus"

// connected is the gauge of the connection to the broker.
func (v *window) connected() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pushworker_broker_connected", Help: "1 while this process is connected to the broker.",
	}, func() float64 {
		if seen := v.view.Load(); seen != nil && seen.conn.Connected() {
			return 1
		}
		return 0
	})
}

// reconnects counts how often the connection was lost and made anew.
func (v *window) reconnects() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "pushworker_broker_reconnects_total", Help: "How often the connection to the broker was lost and restored.",
	}, func() float64 {
		if seen := v.view.Load(); seen != nil {
			return float64(seen.conn.Reconnects())
		}
		return 0
	})
}
