package worker

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/devices"
)

// countEvery is how often the devices are counted, for which the broker looks at
// every key.
const countEvery = time.Minute

// countDevices is [window.countDevices], where pushworker keeps the devices.
func (w Worker) countDevices(v *window) func(context.Context) error {
	if w.Config.Directory != config.InKV {
		return func(context.Context) error { return nil }
	}
	return v.countDevices
}

// countDevices keeps the gauge pushworker_devices until ctx ends. It is absent while
// the number cannot be learned.
func (v *window) countDevices(ctx context.Context) error {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "pushworker_devices", ConstLabels: prometheus.Labels{"scope": "cluster"},
		Help: "Registered devices, counted every minute. Devices that were removed in the last hour are included. Every process reports the same number: take max, not sum. Absent where the chat server keeps the devices.",
	})
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	for shown := false; ; {
		n, err := devices.Count(ctx, v.view.Load().conn)
		if err == nil {
			gauge.Set(float64(n))
		}
		switch {
		case err == nil && !shown:
			shown = v.metrics.Register(gauge) == nil
		case err != nil && shown:
			shown = !v.metrics.Unregister(gauge)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
