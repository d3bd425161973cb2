package admin

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// Sample is what the broker knew at one moment.
type Sample struct {
	// Time is when it was asked.
	Time time.Time
	// Handlers are the lanes it was asked about.
	Handlers []string
	// Stats are its answers, as far as there are any.
	Stats status.Stats
	// Err says what could not be learned; nil when Stats is complete.
	Err error
}

// Asker is the broker, as far as a [Sampler] needs it; [status.Reader] is one.
type Asker interface {
	Stats(ctx context.Context, t topology.Topology) (status.Stats, error)
}

// TakeSample asks the broker about t.
func TakeSample(ctx context.Context, b Asker, t topology.Topology) Sample {
	s := Sample{Time: time.Now(), Handlers: t.Handlers}
	s.Stats, s.Err = b.Stats(ctx, t)
	if at := s.Stats.At; !at.IsZero() {
		s.Time = at
	}
	return s
}

// Wanter is an [Asker] that asks more often while somebody reads its answers.
type Wanter interface{ Want() }

// Sampler asks the broker from time to time and exports its latest answer as
// gauges; see clusterGauges. A lane or stream of which the latest sample knows
// nothing is absent rather than stale.
type Sampler struct {
	broker   Asker
	topology topology.Topology
	every    time.Duration
	gauges   clusterGauges

	mu   sync.Mutex
	last Sample
}

var _ prometheus.Collector = (*Sampler)(nil)

// NewSampler returns a sampler of t that asks every interval; 0 means 5 s. Run
// starts it.
func NewSampler(b Asker, t topology.Topology, every time.Duration) *Sampler {
	if every == 0 {
		every = 5 * time.Second
	}
	return &Sampler{
		broker: b, topology: t, every: every, gauges: newClusterGauges(), last: Sample{Handlers: t.Handlers},
	}
}

// Run samples at once and then at every interval until ctx ends, and returns nil.
func (s *Sampler) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		s.sample(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Sampler) sample(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.every)
	defer cancel()
	sample := TakeSample(ctx, s.broker, s.topology)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = sample
}

// Last returns the latest sample; its Time is zero before the first.
func (s *Sampler) Last() Sample {
	if w, ok := s.broker.(Wanter); ok {
		w.Want()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Describe implements prometheus.Collector.
func (s *Sampler) Describe(descs chan<- *prometheus.Desc) { s.gauges.describe(descs) }

// Collect implements prometheus.Collector. It does not wait for the broker.
func (s *Sampler) Collect(metrics chan<- prometheus.Metric) {
	s.gauges.collect(s.Last().Stats, s.topology, metrics)
}

// NewBuildInfo returns the gauge pushworker_build_info, which is always 1.
func NewBuildInfo(version, revision, goVersion string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "pushworker_build_info",
		Help:        "The build of this process; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": goVersion},
	}, func() float64 { return 1 })
}

// NewConfigInfo returns the gauge pushworker_config_info, which is always 1.
func NewConfigInfo(hash string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "pushworker_config_info",
		Help:        "The settings of this process, as a hash of all that are neither secret nor the process's own; always 1. Workers with the same settings have the same hash.",
		ConstLabels: prometheus.Labels{"hash": hash},
	}, func() float64 { return 1 })
}
