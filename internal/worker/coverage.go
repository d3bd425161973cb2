package worker

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/pkg/push"
)

// judgeEvery is how often it is judged whether the directory knows the users of receipts,
// and how often it is told while it does not.
const judgeEvery = time.Minute

// count counts a look-up. Users whose record is damaged may have devices.
func (d *lateDirectory) count(users []push.Uid, found map[push.Uid][]push.Device, err error) {
	if err == nil {
		d.coverage.Count(len(users), len(found))
	}
}

// judge tells once a minute, until ctx ends, that the directory does not know the users
// of receipts.
func (w Worker) judge(d *lateDirectory) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(judgeEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
			if why := d.coverage.Judge(); why != nil {
				w.Log.Warn().Err(why).Str("directory", w.Config.Directory.String()).Msg("users of receipts have no devices in the directory")
			}
		}
	}
}

// directoryState is what the status says of the directory.
func (d *lateDirectory) state(kind string) *admin.Directory {
	known, unknown := d.coverage.Counts()
	s := &admin.Directory{Kind: kind, Known: known, Unknown: unknown}
	if why := d.coverage.Problem(); why != nil {
		s.Problem = why.Error()
	}
	return s
}

// known is a check of readiness, which only warns: another worker would not know more.
func (d *lateDirectory) known() error {
	if why := d.coverage.Problem(); why != nil {
		return admin.WarningError{Err: why}
	}
	return nil
}

// coverageMetrics are what is counted of users, and whether it was judged to be wrong.
func (d *lateDirectory) coverageMetrics() []prometheus.Collector {
	counter := func(result string, value func(known, unknown uint64) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "pushworker_directory_users_total", ConstLabels: prometheus.Labels{"result": result},
			Help: "Users whose devices were looked up, by whether they have a device of any provider. Each lane looks up for itself.",
		}, func() float64 { return float64(value(d.coverage.Counts())) })
	}
	return []prometheus.Collector{
		counter("known", func(known, _ uint64) uint64 { return known }),
		counter("unknown", func(_, unknown uint64) uint64 { return unknown }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pushworker_directory_doubtful",
			Help: "1 while none of the users of receipts has a device, or the share of those without one has jumped: the directory may be empty or the wrong one.",
		}, func() float64 {
			if d.coverage.Problem() != nil {
				return 1
			}
			return 0
		}),
	}
}
