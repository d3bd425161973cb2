package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// janitorEvery is how often handled history is looked at for trimming.
const janitorEvery = 5 * time.Second

// patience is how long the first connection may take before a human is told.
const patience = 2 * time.Second

// ErrBroker says that the broker cannot be reached or refuses the connection.
var ErrBroker = errors.New("broker cannot be used")

// Worker runs the lanes of one process.
type Worker struct {
	// Config is the checked configuration.
	Config *config.Config
	// Plugins registers the handlers that the configuration may name. They may ask
	// the directory once they get receipts, not while they are initialised.
	Plugins func(*push.Registry, push.Directory)
	// Version and Revision are shown to humans and monitors.
	Version, Revision string
	// Banner gets the first lines for a human; nil where there is none, and then the log
	// has them.
	Banner io.Writer
	Log    zerolog.Logger
	// SetLevel sets from which level on Log writes; nil where that is fixed.
	SetLevel func(level string) error
}

// Run runs the worker until ctx ends, and returns nil after a clean stop. Errors:
// those of config and handlers before anything is opened, [embedded.LockedError],
// the broker's, and consumer.ErrUnfinished when work had to be handed back.
func (w Worker) Run(ctx context.Context) error {
	systemd, err := w.systemd()
	if err != nil {
		return fmt.Errorf("read what systemd wants: %w", err)
	}
	if err := w.checkDirectory(); err != nil { //nolint:contextcheck // it asks nobody
		return err
	}
	traces, err := w.openTraces(ctx)
	if err != nil {
		return err
	}
	defer traces.close() //nolint:contextcheck // it has the one of the stop
	directory := &lateDirectory{}
	handlers, err := w.handlers(directory)
	if err != nil {
		return err
	}
	defer handlers.registry.Stop()
	handlers.warn(w.Log)

	server, err := w.startBroker(ctx)
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Shutdown()
	}

	window, err := w.openWindow(ctx, server, handlers, traces)
	if err != nil {
		return err
	}
	window.metrics.MustRegister(append(directory.metrics(), directory.coverageMetrics()...)...)
	handlers.measure(window.metrics)
	handlers.keepers = handlers.makeKeepers(window.metrics)
	return window.around(ctx, systemd, func(ctx context.Context) error {
		return w.work(ctx, server, window, handlers, directory)
	})
}

// work waits for the broker, and runs the lanes and what they need.
func (w Worker) work(ctx context.Context, server *embedded.Server, window *window, handlers *handlers, directory *lateDirectory) error {
	conn, err := w.connect(ctx, server)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer conn.Close()
	// With what remains, a quarter of a second each for the connection and the admin
	// address and half a second for a handler that hangs, a stop takes the grace and 2 s.
	conn.EndAfter(ctx, w.Config.ShutdownGrace+consumer.StoreMoment)

	topo := Topology(w.Config, handlers.names())
	devices, err := w.prepare(ctx, conn, topo, directory, handlers.testers())
	if err != nil {
		return unlessStopped(ctx, err)
	}
	subscribe, err := w.subscribing(ctx, conn, directory, handlers.keepers)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	observer, record := w.recording(ctx, conn, topo, directory, handlers.dry, window.metrics)
	common := consumer.Config{
		Metrics: consumer.NewMetrics(window.metrics), Observer: observer, Marks: consumer.NewMarks(),
		Tracer: window.traces.tracer(w.Version, topo),
	}
	shards := w.shards(conn, topo)
	lanes, err := w.lanes(ctx, conn, shards, handlers, common)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	shared := status.NewShared(status.NewReader(conn), topo)
	figures := window.show(conn, topo, lanes, directory, shards, shared)
	w.greet(server, handlers)
	marks := func(ctx context.Context) error { return queue.ShareMarks(ctx, conn, topo, common.Marks) }
	others := append(append(subscribe, figures...), shared.Run, w.countDevices(window), w.judge(directory), devices, record, marks)
	others = append(others, w.keepers(conn, topo, shards, shared)...)
	err = runAll(ctx, lanes, others...)
	window.traces.closeBeside(conn.Close)
	return errors.Join(err, w.unconfirmed(conn, lanes))
}

// unlessStopped is err, or nil when the worker was told to stop while it started:
// it holds nothing yet, and what it asked for was called off.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // see above
	}
	return err
}

// runAll runs the lanes, and beside them whatever must outlive them. When the
// lanes have stopped, because ctx has ended or the queue is gone, the others are
// stopped too; if one of those fails, so are the lanes.
func runAll(ctx context.Context, lanes []*consumer.Lane, others ...func(context.Context) error) error {
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, beside := errgroup.WithContext(beside)
	for _, run := range others {
		group.Go(func() error { return run(beside) })
	}
	pulling, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(beside, cancel)
	done := make(chan error, len(lanes))
	for _, lane := range lanes {
		go func() { done <- lane.Run(pulling) }()
	}
	var failures []error
	for range lanes {
		err := <-done
		failures = append(failures, err)
		if err != nil && !errors.Is(err, consumer.ErrUnfinished) {
			cancel() // the queue is gone under one lane: the process starts anew
		}
	}
	stop()
	return errors.Join(append(failures, group.Wait())...)
}

// lanes makes a lane for each enabled handler. shared is what they have in common.
func (w Worker) lanes(ctx context.Context, conn *broker.Conn, shards []shard, hs *handlers, shared consumer.Config) ([]*consumer.Lane, error) {
	scheduler, letters := queue.NewScheduler(conn, shards[0].topology), queue.NewDeadLetters(conn, shards[0].topology)
	var lanes []*consumer.Lane
	for _, h := range hs.enabled {
		var sources queue.Lane
		var fresh []consumer.Source
		err := broker.Persist(ctx, w.Log, func() (err error) {
			sources, fresh, err = w.bind(ctx, conn, shards, h.name)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("open lane %s: %w", h.name, err)
		}
		lanes = append(lanes, consumer.New(consumer.Config{
			Name: h.name, Handler: h.handler, Policy: h.policy,
			Fresh: fresh, Retries: sources.Retries, Suspects: sources.Suspects,
			Scheduler: scheduler, DeadLetters: letters,
			Limits: w.Config.ReceiptLimits(), MaxBytes: int64(w.Config.LaneMaxBytes),
			AckWait: w.Config.AckWait, Grace: w.Config.ShutdownGrace, Log: w.Log,
			Metrics: shared.Metrics, Observer: shared.Observer, Marks: shared.Marks, Tracer: shared.Tracer,
		}))
	}
	return lanes, nil
}

// startBroker starts the embedded broker, or returns nil if the configuration
// names another.
func (w Worker) startBroker(ctx context.Context) (*embedded.Server, error) {
	if !w.Config.UsesEmbedded() {
		return nil, nil //nolint:nilnil // no embedded broker is the normal case beside an external one
	}
	server, err := embedded.Start(ctx, embeddedOptions(w.Config, w.Log))
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	return server, nil
}

func (w Worker) connect(ctx context.Context, server *embedded.Server) (*broker.Conn, error) {
	o := BrokerOptions(w.Config, "pushworker")
	o.Log = w.Log
	if server != nil {
		o.InProcess = server.InProcess()
	}
	waiting := time.AfterFunc(patience, func() {
		w.Log.Warn().Str("broker", w.Config.NATS.URL.String()).Msg("waiting for the broker: check that it runs, and PUSHWORKER_NATS_URL")
	})
	defer waiting.Stop()
	conn, err := broker.Connect(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%w: connect: %w", ErrBroker, err)
	}
	return conn, nil
}

// prepare provisions or binds the broker's objects, logs how they differed, and
// opens the device directory; see openDevices.
func (w Worker) prepare(ctx context.Context, conn *broker.Conn, t topology.Topology, d *lateDirectory, testers []devices.Tester) (serve func(context.Context) error, err error) {
	step, do := "provision", topology.Provision
	if !w.Config.Provision {
		step, do = "bind", topology.Bind
	}
	if err = broker.Persist(ctx, w.Log, func() error { return w.provisionDevices(ctx, conn, t) }); err != nil {
		return nil, err
	}
	err = broker.Persist(ctx, w.Log, func() error {
		differences, err := do(ctx, conn, t)
		w.logDifferences(differences)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s streams and durables: %w", step, err)
	}
	err = broker.Persist(ctx, w.Log, func() error {
		serve, err = w.openDevices(ctx, conn, d, testers)
		return err
	})
	return serve, err
}

// logDifferences says how objects of the broker differ from what they should be.
func (w Worker) logDifferences(differences []topology.Difference) {
	for _, d := range differences {
		event := w.Log.Warn()
		if d.Updated && !d.Notice {
			event = w.Log.Info()
		}
		event.Str("object", d.Object).Bool("updated", d.Updated).Msg(d.String())
	}
}
