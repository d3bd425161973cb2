package outcome_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// perRound is how many receipts a lane settles in a round.
const perRound = 20_000

// BenchmarkEvents holds lanes that record against one that does not, over the same
// receipts in the same broker, which a handler accepts at once. It prints the median
// throughput of each and its ratio to that of off, and the same of receipts per
// second of processor time, worker and broker together, which a busy machine distorts
// less. Give it rounds: -benchtime 15x.
func BenchmarkEvents(b *testing.B) {
	modes := []string{"off", "failures", "all"}
	s := newBenchmarkStage(b, modes)
	speeds, economies := make(map[string][]float64), make(map[string][]float64)
	dropped := 0.0
	for round := range b.N {
		s.publish(b)
		for i := range modes {
			mode := modes[(i+round)%len(modes)]
			before := processorTime(b)
			took, lost := s.settle(b, mode)
			speeds[mode] = append(speeds[mode], perRound/took.Seconds())
			economies[mode] = append(economies[mode], perRound/(processorTime(b)-before).Seconds())
			dropped += lost
		}
	}
	for _, mode := range modes {
		b.ReportMetric(median(speeds[mode]), mode+"/s")
		b.ReportMetric(median(speeds[mode])/median(speeds["off"]), mode+"-ratio")
		b.ReportMetric(median(economies[mode])/median(economies["off"]), mode+"-cpu-ratio")
		b.ReportMetric(1e6/median(economies[mode]), mode+"-µs")
	}
	b.ReportMetric(dropped, "dropped")
	b.ReportMetric(0, "ns/op")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchmarkStage is a broker with a lane for each mode.
type benchmarkStage struct {
	conn *broker.Conn
	topo topology.Topology
	js   jetstream.JetStream
}

func newBenchmarkStage(b *testing.B, modes []string) *benchmarkStage {
	b.Helper()
	server := brokertest.Start(b)
	s := &benchmarkStage{conn: server.Connect(b), topo: server.Topology(modes...)}
	nc, err := nats.Connect(server.URL())
	if err == nil {
		b.Cleanup(nc.Close)
		s.js, err = jetstream.New(nc)
	}
	if err == nil {
		_, err = topology.Provision(b.Context(), s.conn, s.topo)
	}
	if err == nil {
		_, err = events.Provision(b.Context(), s.conn, s.topo)
	}
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (s *benchmarkStage) publish(b *testing.B) {
	b.Helper()
	brokertest.Fill(b, s.js, "push.receipts", perRound, func(i int) []byte {
		return fmt.Appendf(nil, `{"to":{"%d":{"delivered":0,"unread":3}},"channel":"","payload":{"what":"msg","silent":false,`+
			`"topic":"grpnG99YhENiQU","ts":"2026-11-25T02:00:00.123Z","from":"usrEDJUdpi63P4","seq":%d,"mime":"","content":"Where are you? We are waiting at the station."}}`, 1000+i, i)
	})
}

// settle lets the lane of a mode settle a round.
func (s *benchmarkStage) settle(b *testing.B, mode string) (took time.Duration, dropped float64) {
	b.Helper()
	sources, err := queue.Bind(b.Context(), s.conn, s.topo, mode, nil)
	if err != nil {
		b.Fatal(err)
	}
	var settled atomic.Int64
	done := make(chan struct{})
	h := push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: func(_ context.Context, r *push.Receipt) error {
			for user := range r.To {
				d := push.Device{User: user, ID: "phone", Provider: "fcm", Platform: "android", Token: "a token of some length, as FCM has them"}
				r.Tally(push.Targets{Accepted: 1})
				r.Itemize([]push.Target{{Device: d, Result: push.ResultAccepted}})
			}
			if settled.Add(1) == perRound {
				close(done)
			}
			return nil
		}}, nil
	})
	if err := h.Init(""); err != nil {
		b.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	config := consumer.Config{
		Name: mode, Handler: h, Fresh: []consumer.Source{sources.Fresh}, Retries: sources.Retries, Suspects: sources.Suspects,
		Scheduler: queue.NewScheduler(s.conn, s.topo), DeadLetters: queue.NewDeadLetters(s.conn, s.topo),
		Policy:  retry.Policy{Base: time.Second, Cap: time.Minute, MaxAge: time.Hour, MaxAttempts: 50},
		AckWait: time.Minute, Grace: time.Second, Metrics: consumer.NewMetrics(prometheus.NewRegistry()), Log: zerolog.Nop(),
	}
	events := events.NewPublisher(s.conn)
	recorder := outcome.New(outcome.Options{Publish: events.Publish, PublishBrief: events.PublishBrief, Hash: device.NewMask().Hasher(), Clean: mode == "all"}, reg)
	if mode != "off" {
		config.Observer = recorder.Observer()
	}
	lane := consumer.New(config)
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 2)
	began := time.Now()
	go func() { ended <- recorder.Run(ctx) }()
	go func() { ended <- lane.Run(ctx) }()
	<-done
	took = time.Since(began)
	stop()
	if err := errors.Join(<-ended, <-ended); err != nil {
		b.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		b.Fatal(err)
	}
	return took, families[0].GetMetric()[0].GetCounter().GetValue()
}
