package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/pkg/push"
)

// keepers are what subscribes devices to channels, one for each handler whose provider
// keeps the subscribers.
type keepers []*channel.Keeper

// makeKeepers makes them, and registers what they count.
func (hs *handlers) makeKeepers(reg prometheus.Registerer) (all keepers) {
	counts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pushworker_channel_subscriptions_total",
		Help: "Devices that were to be subscribed to a channel or unsubscribed, by what the provider said: subscribed, unsubscribed, gone, rejected, retried.",
	}, []string{"handler", "result"})
	reg.MustRegister(counts)
	for _, h := range hs.enabled {
		c, ok := h.handler.(push.Channeler)
		if !ok || c.Channels() == nil {
			continue
		}
		byResult := make(map[string]prometheus.Counter)
		for _, result := range []string{"subscribed", "unsubscribed", "gone", "rejected", "retried"} {
			byResult[result] = counts.WithLabelValues(h.name, result)
		}
		k := &channel.Keeper{Handler: h.name, Channels: c.Channels(), Counted: func(r push.Result, member bool, n int) {
			byResult[countedAs(r, member)].Add(float64(n))
		}}
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pushworker_channel_users_waiting", ConstLabels: prometheus.Labels{"handler": h.name},
			Help: "Users with devices that are still to be subscribed to channels or unsubscribed. Only the process that does it has another number than 0.",
		}, func() float64 { return float64(k.Report().Waiting) }))
		all = append(all, k)
	}
	return all
}

func countedAs(r push.Result, member bool) string {
	switch {
	case r != push.ResultAccepted && r != push.ResultSkipped:
		return string(r)
	case member:
		return "subscribed"
	}
	return "unsubscribed"
}

// subscribing opens who is in which channel, and returns what serves the requests of chat
// servers and keeps the subscriptions. Without the bucket, and without the right to make
// it, lanes go on.
func (w Worker) subscribing(ctx context.Context, conn *broker.Conn, d *lateDirectory, all keepers) (run []func(context.Context) error, err error) {
	err = broker.Persist(ctx, w.Log, func() error {
		run, err = w.openChannels(ctx, conn, d, all)
		return err
	})
	return run, err
}

// openChannels is subscribing once.
func (w Worker) openChannels(ctx context.Context, conn *broker.Conn, d *lateDirectory, all keepers) ([]func(context.Context) error, error) {
	registered, ok := d.registered()
	if !ok {
		return nil, nil // which openDevices has told
	}
	var err error
	if w.Config.Provision {
		made, fault := channels.Provision(ctx, conn, w.Config.Replicas)
		w.logDifferences(made)
		err = fault
	}
	var opened *channels.Directory
	if err == nil {
		opened, err = channels.Open(ctx, conn, w.Log)
	}
	_, denied := errors.AsType[*broker.DeniedError](err)
	switch {
	case denied, errors.Is(err, channels.ErrNoBucket):
		w.Log.Warn().Err(err).Msg("channels are off: nobody can join one, and their receipts reach those who are subscribed; deploy/permissions has what they need")
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("open the channels: %w", err)
	}
	run := []func(context.Context) error{opened.Run}
	for _, k := range all {
		run = append(run, func(ctx context.Context) error { return opened.Keep(ctx, k, registered) })
	}
	return run, nil
}

// registered is the directory, if it is ours and open.
func (d *lateDirectory) registered() (*devices.Directory, bool) {
	opened := d.opened.Load()
	if opened == nil {
		return nil, false
	}
	registered, ok := (*opened).(*devices.Directory)
	return registered, ok
}
