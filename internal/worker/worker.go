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
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

// janitorEvery is how often handled history is looked at for trimming.
const janitorEvery = 5 * time.Second

// patience is how long the first connection may take before a human is told, and
// the pause before a broker that did not answer is asked again.
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
}

// Run runs the worker until ctx ends, and returns nil after a clean stop. Errors:
// those of config and handlers before anything is opened, [embedded.LockedError],
// the broker's, and consumer.ErrUnfinished when work had to be handed back.
func (w Worker) Run(ctx context.Context) error {
	directory := &lateDirectory{}
	handlers, err := w.handlers(directory)
	if err != nil {
		return err
	}
	defer handlers.registry.Stop()

	server, err := w.startBroker(ctx)
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Shutdown()
	}

	window, err := w.openWindow(ctx, server, handlers)
	if err != nil {
		return err
	}
	window.metrics.MustRegister(directory.metrics()...)
	handlers.measure(window.metrics)
	return window.around(ctx, func(ctx context.Context) error {
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

	topo := Topology(w.Config, handlers.names())
	devices, err := w.prepare(ctx, conn, topo, directory, handlers.test)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	observer, record := w.recording(ctx, conn, topo, directory, window.metrics)
	shared := consumer.Config{Metrics: consumer.NewMetrics(window.metrics), Observer: observer, Marks: consumer.NewMarks()}
	positions := topology.NewPositions(conn, topo, w.Log)
	lanes, err := w.lanes(ctx, conn, topo, positions, handlers, shared)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	sampler := window.show(conn, topo, lanes, directory, positions)
	w.greet(server, handlers)
	marks := func(ctx context.Context) error { return queue.ShareMarks(ctx, conn, topo, shared.Marks) }
	return runAll(ctx, lanes, sampler.Run, window.countDevices, devices, record, marks, positions.Run, topology.NewJanitor(conn, topo, janitorEvery, w.Log).Run)
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
func (w Worker) lanes(ctx context.Context, conn *broker.Conn, t topology.Topology, positions *topology.Positions, hs *handlers, shared consumer.Config) ([]*consumer.Lane, error) {
	scheduler, letters := queue.NewScheduler(conn, t), queue.NewDeadLetters(conn, t)
	var remaker queue.Remaker
	if w.Config.Provision {
		remaker = positions
	}
	var lanes []*consumer.Lane
	for _, h := range hs.enabled {
		var sources queue.Lane
		err := w.untilAnswered(ctx, func() (err error) {
			sources, err = queue.Bind(ctx, conn, t, h.name, remaker)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("open lane %s: %w", h.name, err)
		}
		lanes = append(lanes, consumer.New(consumer.Config{
			Name: h.name, Handler: h.handler, Policy: h.policy,
			Fresh: sources.Fresh, Retries: sources.Retries, Suspects: sources.Suspects,
			Scheduler: scheduler, DeadLetters: letters,
			Limits: w.Config.ReceiptLimits(), MaxBytes: int64(w.Config.LaneMaxBytes),
			AckWait: w.Config.AckWait, Grace: w.Config.ShutdownGrace, Log: w.Log,
			Metrics: shared.Metrics, Observer: shared.Observer, Marks: shared.Marks,
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
func (w Worker) prepare(ctx context.Context, conn *broker.Conn, t topology.Topology, d *lateDirectory, test devices.Tester) (serve func(context.Context) error, err error) {
	step, do := "provision", topology.Provision
	if !w.Config.Provision {
		step, do = "bind", topology.Bind
	}
	if err = w.untilAnswered(ctx, func() error { return w.provisionDevices(ctx, conn, t) }); err != nil {
		return nil, err
	}
	err = w.untilAnswered(ctx, func() error {
		differences, err := do(ctx, conn, t)
		w.logDifferences(differences)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s streams and durables: %w", step, err)
	}
	err = w.untilAnswered(ctx, func() error {
		serve, err = w.openDevices(ctx, conn, d, test)
		return err
	})
	return serve, err
}

// untilAnswered asks again for as long as the broker does not answer: a cluster that
// looks for a leader is no reason to end.
func (w Worker) untilAnswered(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if !errors.Is(err, broker.ErrSilent) || ctx.Err() != nil {
			return err
		}
		w.Log.Warn().Err(err).Msg("waiting for the broker to answer: check that its cluster has a leader")
		_ = sleep.For(ctx, patience) // the next round tells that ctx has ended
	}
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
