package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/consumer"
)

// window is what others see of the process: health, metrics, status.
type window struct {
	server  *admin.Server
	sampler *admin.Sampler
}

// openWindow opens the admin address.
func (w Worker) openWindow(ctx context.Context, conn *broker.Conn, t broker.Topology, lanes []*consumer.Lane, reg *prometheus.Registry) (window, error) {
	sampler := admin.NewSampler(conn, t, 0)
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		admin.NewBuildInfo(w.Version, w.Revision, runtime.Version()),
		sampler,
	)
	process := &admin.Process{Version: w.Version, PID: os.Getpid(), Started: time.Now()}
	server, err := admin.Listen(ctx, admin.Options{
		Addr: w.Config.Admin.Addr, Token: w.Config.Admin.Token.Reveal(), Pprof: w.Config.Pprof,
		Metrics: reg, Ready: checks(conn, lanes), Log: w.Log,
		Status: func() admin.Status { return admin.NewStatus(sampler.Last(), process, states(lanes)) },
	})
	if err != nil {
		return window{}, fmt.Errorf("open the admin address: %w", err)
	}
	return window{server: server, sampler: sampler}, nil
}

// checks are what the process must be able to do to be ready.
func checks(conn *broker.Conn, lanes []*consumer.Lane) []admin.Check {
	all := []admin.Check{{Name: "broker", Run: func(context.Context) error {
		if !conn.Connected() {
			return errors.New("not connected: check the broker and PUSHWORKER_NATS_URL")
		}
		return nil
	}}}
	for _, lane := range lanes {
		all = append(all, admin.Check{
			Name: "lane " + lane.Name(),
			Run:  func(context.Context) error { return lane.Ready() },
		})
	}
	return all
}

func states(lanes []*consumer.Lane) map[string]admin.LaneState {
	all := make(map[string]admin.LaneState, len(lanes))
	for _, lane := range lanes {
		all[lane.Name()] = admin.LaneState(lane.State())
	}
	return all
}
