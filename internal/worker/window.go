package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// errWaiting is what a worker says of itself while it has no broker.
var errWaiting = errors.New("waiting for the broker: check that it runs, and PUSHWORKER_NATS_URL")

// window is what others see of the process: health, metrics, status. It is opened
// before there is a connection to the broker, so that a supervisor does not take
// waiting for death.
type window struct {
	server  *admin.Server
	metrics *prometheus.Registry
	lanes   []string
	states  handlerStates
	traces  *traces
	// directory is who keeps the devices, as the configuration names it.
	directory string
	alive     []admin.Check
	ready     *admin.Readiness
	view      atomic.Pointer[view] // nil while the worker waits for the broker
}

// view is what there is to see once the lanes are there.
type view struct {
	conn     *broker.Conn
	topology topology.Topology
	lanes    map[string]*consumer.Lane
	sampler  *admin.Sampler
	devices  *lateDirectory
	shards   []shard
	shared   *status.Shared
}

// openWindow opens the admin address; see [window.around].
func (w Worker) openWindow(ctx context.Context, server *embedded.Server, hs *handlers, t *traces) (*window, error) {
	v := &window{metrics: prometheus.NewRegistry(), lanes: hs.names(), states: hs.states(), traces: t, directory: w.Config.Directory.String(), alive: storeCheck(server)}
	v.ready = &admin.Readiness{Checks: v.checks(), Log: w.Log}
	v.metrics.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		admin.NewBuildInfo(w.Version, w.Revision, runtime.Version()),
		v.ready.Gauge(), admin.NewConfigInfo(w.Config.Hash()), v.connected(), v.reconnects(), newHandlerMetrics(v.states), t.counts,
	)
	process := &admin.Process{Version: w.Version, PID: os.Getpid(), Started: time.Now()}
	serving, err := admin.Listen(ctx, admin.Options{
		Addr: w.Config.Admin.Addr, Token: w.Config.Admin.Token.Reveal(), Pprof: w.Config.Pprof,
		Socket:  admin.SocketPath(w.Config.DataDir, w.Config.Admin.Addr),
		Metrics: v.metrics, Ready: v.ready.Checks, Alive: v.alive, Log: w.Log, SetLevel: w.SetLevel,
		Status: func() admin.Status { return v.status(process) },
	})
	if err != nil {
		return nil, fmt.Errorf("open the admin address: %w", err)
	}
	v.server = serving
	return v, nil
}

// storeCheck is whether the embedded broker can write, which only a restart repairs if
// it could not once.
func storeCheck(server *embedded.Server) []admin.Check {
	if server == nil {
		return nil
	}
	return []admin.Check{{Name: "store", Run: func(context.Context) error { return server.Health() }}}
}

// around serves the window while work runs, and lets systemd know. When serving fails, work is
// stopped.
func (v *window) around(ctx context.Context, systemd supervisor, work func(context.Context) error) error {
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var beside errgroup.Group
	beside.Go(func() error {
		defer cancel()
		return v.server.Run(serving)
	})
	beside.Go(func() error { return v.ready.Run(serving) })
	beside.Go(func() error {
		systemd.watch(working, serving)
		return nil
	})
	err := work(working)
	stop()
	return errors.Join(err, beside.Wait())
}

// show lets others see the lanes; what it returns keeps the figures fresh.
func (v *window) show(conn *broker.Conn, t topology.Topology, lanes []*consumer.Lane, devices *lateDirectory, shards []shard, shared *status.Shared) (run []func(context.Context) error) {
	seen := &view{
		conn: conn, topology: t, devices: devices, shards: shards, shared: shared,
		lanes: make(map[string]*consumer.Lane), sampler: admin.NewSampler(shared, t, 0),
	}
	for _, lane := range lanes {
		seen.lanes[lane.Name()] = lane
	}
	trips := newRoundTrip(conn)
	v.metrics.MustRegister(seen.sampler, trips)
	v.view.Store(seen)
	return []func(context.Context) error{seen.sampler.Run, trips.Run}
}

// missingStreams is nil if the latest sample, which may be another process's, has seen
// every stream. Else the broker is asked, and says what is wrong.
func (v *view) missingStreams(ctx context.Context) error {
	stats, ok := v.shared.Fresh()
	for _, want := range v.topology.Streams() {
		ok = ok && slices.ContainsFunc(stats.Streams, func(s status.StreamStats) bool { return s.Stream == want.Config.Name })
	}
	if ok {
		return nil
	}
	return topology.MissingStreams(ctx, v.conn, v.topology)
}

// trustDevices is for how long the directory of devices is taken to be there, at least.
const trustDevices = 10 * time.Second

// checks are what the process must be able to do to be ready.
func (v *window) checks() []admin.Check {
	check := func(name string, run func(context.Context, *view) error) admin.Check {
		return admin.Check{Name: name, Run: func(ctx context.Context) error {
			seen := v.view.Load()
			if seen == nil {
				return errWaiting
			}
			return run(ctx, seen)
		}}
	}
	all := append(slices.Clip(v.alive),
		check("broker", func(_ context.Context, seen *view) error {
			if !seen.conn.Connected() {
				return errors.New("not connected: check the broker and PUSHWORKER_NATS_URL")
			}
			return nil
		}),
		check("streams", func(ctx context.Context, seen *view) error {
			if !seen.conn.Connected() {
				return nil // which broker says
			}
			return seen.missingStreams(ctx)
		}),
		check("storing", func(_ context.Context, seen *view) error { return storing(seen.shards) }),
		admin.Rarely(check("devices", func(ctx context.Context, seen *view) error {
			if !seen.conn.Connected() {
				return nil // which broker says
			}
			return seen.devices.ready(ctx)
		}), trustDevices),
		check("users", func(_ context.Context, seen *view) error { return seen.devices.known() }),
	)
	for _, name := range v.lanes {
		all = append(all, check("lane "+name, func(_ context.Context, seen *view) error { return seen.lanes[name].Ready() }))
		if _, ok := v.states[name]; ok {
			all = append(all, v.states.check(name))
		}
	}
	return all
}

func (v *window) status(process *admin.Process) admin.Status {
	seen := v.view.Load()
	if seen == nil {
		return admin.NewStatus(admin.Sample{Time: time.Now(), Handlers: v.lanes, Err: errWaiting}, process, nil)
	}
	states := make(map[string]admin.LaneState, len(seen.lanes))
	for name, lane := range seen.lanes {
		states[name] = admin.LaneState(lane.State())
	}
	status := admin.NewStatus(seen.sampler.Last(), process, states)
	v.states.addTo(&status)
	status.Directory = seen.devices.state(v.directory)
	return status
}
