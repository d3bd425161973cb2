package consumer

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/pkg/push"
)

// warnEvery is how often a process warns of a producer's clock at most.
const warnEvery = time.Minute

// skewWatch tells of producers whose clock is wrong. The lanes of a process share it,
// so that they warn once.
type skewWatch struct {
	count  *prometheus.CounterVec
	last   *prometheus.GaugeVec
	warned atomic.Int64 // when, in nanoseconds
}

func newSkewWatch(reg prometheus.Registerer) *skewWatch {
	w := &skewWatch{
		count: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushworker_receipts_clock_skewed_total",
			Help: "Receipts whose ts, or whose Push-Expires, shows that their producer's clock is wrong.",
		}, []string{"handler"}),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pushworker_producer_clock_skew_seconds",
			Help: "How far the producer's clock was ahead of the broker's at the last such receipt; negative if behind.",
		}, []string{"handler"}),
	}
	reg.MustRegister(w.count, w.last)
	return w
}

// show has a lane's series there before there is anything to count.
func (w *skewWatch) show(handler string) {
	w.count.WithLabelValues(handler)
	w.last.WithLabelValues(handler)
}

// look counts and tells when r, which is fresh, shows that its producer's clock is
// wrong.
func (w *skewWatch) look(l *Lane, r *push.Receipt, o *Origin) {
	text := "producer's clock is wrong: ts differs from the time of the publish, which counts instead; " +
		"synchronise the chat server's clock (chrony, systemd-timesyncd) and send ts in UTC"
	off, handed := r.Skew(), o.First.Add(-o.Waited)
	if off == 0 && !o.Expires.IsZero() && o.Expires.Before(handed) {
		text = "receipt had expired before it was published: Push-Expires is earlier than the time of the publish; " +
			"synchronise the chat server's clock (chrony, systemd-timesyncd) and send Push-Expires in UTC"
		off = o.Expires.Sub(handed)
	}
	if off == 0 {
		return
	}
	w.count.WithLabelValues(l.name).Inc()
	w.last.WithLabelValues(l.name).Set(off.Seconds())
	now, before := time.Now().UnixNano(), w.warned.Load()
	if now-before < int64(warnEvery) || !w.warned.CompareAndSwap(before, now) {
		return
	}
	l.log.Warn().Str("stream", o.Stream).Uint64("seq", o.Seq).Str("subject", o.Subject).
		Stringer("skew", off.Round(time.Millisecond)).Msg(text)
}
