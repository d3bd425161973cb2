package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// shardsInFlight is how many receipts are on their way to the broker, to one stream or
	// to all together.
	shardsInFlight = 4096
	// shardBuffer is what the lane holds: more than it needs with one stream.
	shardBuffer = 8192
	// syncShare is by how much fewer receipts are published where each is synced.
	syncShare = 10
)

// shards is a cluster with two streams of receipts, and a worker that takes both.
type shards struct {
	dir    string
	nodes  []*process
	worker *process
	nc     *nats.Conn
	js     jetstream.JetStream
}

// runShards publishes to one of two streams, and to both, through a cluster of three
// nodes that keeps three replicas, and has a worker take them; with fsync at intervals,
// and before each confirmation.
func runShards(ctx context.Context, p plan, results *log) error {
	for _, always := range []bool{false, true} {
		if err := shardRounds(ctx, p, always, results); err != nil {
			return err
		}
	}
	return nil
}

func shardRounds(ctx context.Context, p plan, always bool, results *log) error {
	s, err := openShards(ctx, always)
	defer s.close()
	if err != nil {
		return err
	}
	about := record{Group: "shards", Receipts: p.receipts}
	mode := "fsync at intervals"
	if always {
		mode, about.Receipts = "fsync always", p.receipts/syncShare
	}
	for round := range p.rounds {
		about.Round = round + 1
		for turn := range 2 {
			streams := 1 + (round+turn)%2
			about.Row = mode + ", " + plural(streams, "stream")
			if err := s.measure(ctx, streams, about, results); err != nil {
				return err
			}
		}
	}
	return nil
}

func openShards(ctx context.Context, always bool) (s *shards, err error) {
	s = &shards{}
	if s.dir, err = os.MkdirTemp("", "pushworker-bench-"); err != nil {
		return s, fmt.Errorf("make a directory for the brokers: %w", err)
	}
	if s.nodes, err = startNodes(ctx, s.dir, always); err != nil {
		return s, err
	}
	var urls []string
	for _, n := range s.nodes {
		urls = append(urls, n.hello.URL)
	}
	s.worker, err = launch(ctx, "worker", workerOptions{
		URL: strings.Join(urls, ","), Handlers: `[{"name":"null","config":{"buffer":` + strconv.Itoa(shardBuffer) + `}}]`,
		More: []string{"PUSHWORKER_STREAMS=2", "PUSHWORKER_REPLICAS=3", "PUSHWORKER_EVENTS=off", "PUSHWORKER_LANE_MAX_BYTES=1GiB"},
	})
	if err != nil {
		return s, err
	}
	if s.nc, err = nats.Connect(strings.Join(urls, ",")); err != nil {
		return s, fmt.Errorf("connect: %w", err)
	}
	if s.js, err = jetstream.New(s.nc); err != nil {
		return s, fmt.Errorf("open JetStream: %w", err)
	}
	return s, s.spread(ctx)
}

// spread waits until the lane pulls from both streams, and has them led by two nodes.
func (s *shards) spread(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		first, second := s.leader(ctx, "PUSH"), s.leader(ctx, "PUSH_1")
		switch {
		case first != "" && second != "" && first != second:
			return nil
		case first != "" && first == second:
			to := []byte(`{"placement":{"preferred":"` + elsewhere(first) + `"}}`)
			_, _ = s.nc.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN.PUSH_1", to) // the next look tells
			_, _ = s.nc.RequestWithContext(ctx, "$JS.API.CONSUMER.LEADER.STEPDOWN.PUSH_1.null", to)
		}
		_ = sleep.For(ctx, time.Second)
	}
	return errors.New("the two streams have no leaders on two nodes within a minute")
}

// elsewhere is another node.
func elsewhere(node string) string {
	if node == nodeName(0) {
		return nodeName(1)
	}
	return nodeName(0)
}

// leader is the node that leads a stream; empty while there is none, or nobody pulls.
func (s *shards) leader(ctx context.Context, name string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // a cluster that begins answers some requests never
	defer cancel()
	stream, err := s.js.Stream(ctx, name)
	if err != nil || stream.CachedInfo().Cluster == nil {
		return ""
	}
	durable, err := stream.Consumer(ctx, nullLane)
	if err != nil || durable.CachedInfo().NumWaiting == 0 {
		return ""
	}
	return stream.CachedInfo().Cluster.Leader
}

// measure publishes receipts to so many streams and waits until the lane has settled all.
func (s *shards) measure(ctx context.Context, streams int, about record, results *log) error {
	before, err := s.cpu()
	if err != nil {
		return err
	}
	start := time.Now()
	if _, err := s.worker.ask(question{Do: "begin", Want: about.Receipts / streams * streams, Start: start}); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := range streams {
		group.Go(func() error { return s.fill(ctx, i, about.Receipts/streams, shardsInFlight/streams) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	stored := time.Since(start)
	end, err := s.worker.ask(question{Do: "await"})
	if err != nil {
		return err
	}
	after, err := s.cpu()
	if err != nil {
		return err
	}
	n := float64(about.Receipts / streams * streams)
	about.Rate, about.Stored = n/end.Elapsed.Seconds(), n/stored.Seconds()
	about.BrokerCPU = float64((after - before).Microseconds()) / n
	return results.add(about)
}

// fill publishes n receipts to a stream, a number of them in flight.
func (s *shards) fill(ctx context.Context, stream, n, inFlight int) error {
	js, err := jetstream.New(s.nc, jetstream.WithPublishAsyncMaxPending(inFlight))
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	q := &queue{js: js, to: "push.receipts." + strconv.Itoa(stream)}
	return q.fill(ctx, traffic{users: mainUsers, recipients: 1}, n)
}

// cpu is what the nodes have used.
func (s *shards) cpu() (all time.Duration, err error) {
	for _, n := range s.nodes {
		m, err := n.ask(question{Do: "mark"})
		if err != nil {
			return 0, err
		}
		all += m.CPU
	}
	return all, nil
}

func (s *shards) close() {
	if s.nc != nil {
		s.nc.Close()
	}
	s.worker.stop()
	for _, n := range s.nodes {
		n.stop()
	}
	_ = os.RemoveAll(s.dir) // of the bench's own making
}

func writeShards(b *strings.Builder, rows []record) {
	b.WriteString("Three nodes with three replicas each; receipts are published and taken by a worker at the same time. Cells are min / **median** / max of the rounds.\n\n")
	write(b, rows, []column{
		column0("taken/s", func(r record) float64 { return r.Rate }),
		column0("stored/s", func(r record) float64 { return r.Stored }),
		{"brokers µs", "%.1f", func(r record) float64 { return r.BrokerCPU }},
	})
	b.WriteString("\n")
	for _, mode := range []string{"fsync at intervals", "fsync always"} {
		if one, two := mode+", 1 stream", mode+", 2 streams"; len(named(rows, one)) > 0 {
			fmt.Fprintf(b, "With %s, two streams store %.2f times what one does: the median of the rounds' own ratios.\n",
				mode, paired(rows, two, one, func(r record) float64 { return r.Stored }, ratio))
		}
	}
}
