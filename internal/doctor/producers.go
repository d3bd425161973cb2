package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// lookBack is how many of the last receipts say something about the producers'
	// clocks, recent how old they may be.
	lookBack = 50
	recent   = 24 * time.Hour
)

// producers looks whether the times in the last receipts of each stream fit those of their
// publish. What cannot be read, permissions and objects tell.
func producers(ctx context.Context, conn *broker.Conn, t topology.Topology) (found []push.Finding) {
	for _, stream := range t.ReceiptStreams() {
		found = append(found, producersOf(ctx, history.New(conn, stream))...)
	}
	return found
}

func producersOf(ctx context.Context, reader *history.History) []push.Finding {
	_, last, err := reader.Bounds(ctx, history.Stretch{})
	if err != nil || last == 0 {
		return nil
	}
	worst, seen, wrong := skewed{}, 0, 0
	for m, err := range reader.Read(ctx, history.Stretch{From: max(lookBack, last) - lookBack + 1, Since: time.Now().Add(-recent)}) {
		if err != nil {
			return nil
		}
		one, readable := skewOf(m)
		if readable {
			seen++
		}
		if one.off != 0 {
			wrong++
		}
		if one.off.Abs() >= worst.off.Abs() {
			worst = one
		}
	}
	switch {
	case seen == 0:
		return nil
	case wrong == 0:
		return []push.Finding{ok("producer clock", fmt.Sprintf("the times in the newest receipts (%d) agree with the times of their publishes", seen))}
	}
	return []push.Finding{warn("producer clock", fmt.Sprintf("%d of the newest %d receipts have a wrong time, for example %d on %s: %s", wrong, seen, worst.seq, worst.subject, worst),
		"synchronise the chat server's clock (chrony, systemd-timesyncd), and let it send times in UTC")}
}

// skewed is a receipt whose times are those of a wrong clock.
type skewed struct {
	off     time.Duration // 0: they are not
	what    string
	seq     uint64
	subject string
}

func (s skewed) String() string {
	where := "ahead of"
	if s.off < 0 {
		where = "behind"
	}
	return fmt.Sprintf("%s is %s %s its publish", s.what, s.off.Abs().Round(time.Second), where)
}

// skewOf reads the times of a stored receipt.
func skewOf(m history.Stored) (s skewed, readable bool) {
	r, _, err := push.Decode(m.Data, push.DefaultLimits())
	if err != nil {
		return skewed{}, false
	}
	said := m.Published()
	d := push.Delivery{Published: m.Time, Waited: said.Waited, Expires: said.Expires}
	r.Stamp(&d)
	s = skewed{off: r.Skew(), what: "ts", seq: m.Seq, subject: m.Subject}
	if s.off == 0 && !d.Expires.IsZero() && d.Expires.Before(d.Handed()) {
		s.off, s.what = d.Expires.Sub(d.Handed()), "Push-Expires"
	}
	return s, true
}
