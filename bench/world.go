package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/config"
)

// world is what the rows of a group share: a broker in a process of its own.
type world struct {
	dir    string
	broker *process
	queue  *queue
	build  string // the program that workers are started from; empty for this one
	rows   []*row
	fakes  []*process
	// directory is PUSHWORKER_DIRECTORY of the workers that are started; empty for the
	// default.
	directory config.Place
	// more are further variables of the workers that are started.
	more []string
	// traces is where spans of the workers that are started go, and sampler who decides
	// which; empty for none.
	traces, sampler string
}

// row is one thing to be measured: processes behind a durable.
type row struct {
	name    string
	durable string
	workers []*process
	meter   *process // counts: the worker itself, or the fake
	fake    *process // nil without a provider
}

func newWorld(ctx context.Context) (*world, error) {
	dir, err := os.MkdirTemp("", "pushworker-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the broker: %w", err)
	}
	w := &world{dir: dir}
	if w.broker, err = launch(ctx, "broker", filepath.Join(dir, "store")); err != nil {
		return nil, errors.Join(err, w.close())
	}
	if w.queue, err = openQueue(ctx, w.broker.hello.URL); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// withWorld runs f in a new world.
func withWorld(ctx context.Context, f func(*world) error) error {
	w, err := newWorld(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(w), w.close())
}

// refill makes the stream hold n new receipts and nothing else.
func (w *world) refill(ctx context.Context, c traffic, n int) error {
	return errors.Join(w.queue.purge(ctx), w.queue.fill(ctx, c, n))
}

func (w *world) close() error {
	for _, r := range w.rows {
		for _, p := range r.workers {
			p.stop()
		}
	}
	for _, p := range w.fakes {
		p.stop()
	}
	w.queue.close()
	w.broker.stop()
	return os.RemoveAll(w.dir)
}

// fake starts a fake with a directory of its own.
func (w *world) fake(ctx context.Context, o fakeOptions) (*process, error) {
	o.Dir = filepath.Join(w.dir, "fake"+strconv.Itoa(len(w.fakes)))
	p, err := launch(ctx, "fake", o)
	if err == nil {
		w.fakes = append(w.fakes, p)
	}
	return p, err
}

// add takes a row in; its durable rests until it is measured.
func (w *world) add(ctx context.Context, r *row) (*row, error) {
	w.rows = append(w.rows, r)
	if err := w.queue.pulled(ctx, r.durable); err != nil {
		return nil, err
	}
	return r, w.queue.pause(ctx, r.durable)
}

// worker starts a worker with these handlers. It trusts the certificates of all
// fakes that there are.
func (w *world) worker(ctx context.Context, handlers ...string) (*process, error) {
	var trusted []byte
	for _, fake := range w.fakes {
		pem, err := os.ReadFile(fake.hello.CA)
		if err != nil {
			return nil, fmt.Errorf("read a fake's certificate: %w", err)
		}
		trusted = append(trusted, pem...)
	}
	file := filepath.Join(w.dir, "trusted.pem")
	if err := os.WriteFile(file, trusted, 0o600); err != nil { //nolint:gosec // in a directory of ours
		return nil, fmt.Errorf("write the certificates to trust: %w", err)
	}
	o := workerOptions{URL: w.broker.hello.URL, Handlers: "[" + strings.Join(handlers, ",") + "]", Directory: w.directory, More: w.more, Traces: w.traces, Sampler: w.sampler}
	if w.build != "" {
		return launchFrom(ctx, w.build, "worker", o, "SSL_CERT_FILE="+file)
	}
	return launch(ctx, "worker", o, "SSL_CERT_FILE="+file)
}

// fcmHandler is the config of an FCM handler as an operator would write it: with
// nothing but the credentials and, as it is a fake, the endpoint. more is added.
func fcmHandler(name string, fake *process, more string) string {
	return fmt.Sprintf(`{"name":%q,"config":{"credentials_file":%q,"endpoint":%q%s}}`, name, fake.hello.Credentials, fake.hello.URL, more)
}

// atOnce is for rows that are not held against a loop: no slow start.
const atOnce = `,"ramp":"1ms"`

// nullRow is the lane without a provider, in a worker of its own.
func (w *world) nullRow(ctx context.Context) (*row, error) {
	p, err := w.worker(ctx, `{"name":"null"}`)
	if err != nil {
		return nil, err
	}
	return w.add(ctx, &row{name: "lane", durable: nullLane, workers: []*process{p}, meter: p})
}

// fcmRow is the FCM lane in a worker and with a fake of its own.
func (w *world) fcmRow(ctx context.Context) (*row, error) {
	return w.fcmRowAs(ctx, "lane", fcmLane, atOnce)
}

// fcmRowAs is fcmRow with a name, and a lane, that stand beside others.
func (w *world) fcmRowAs(ctx context.Context, name, lane, more string) (*row, error) {
	fake, err := w.fake(ctx, fakeOptions{Kind: fcmLane})
	if err != nil {
		return nil, err
	}
	p, err := w.worker(ctx, fcmHandler(lane, fake, more))
	if err != nil {
		return nil, err
	}
	return w.add(ctx, &row{name: name, durable: lane, workers: []*process{p}, meter: fake, fake: fake})
}

// loopRow is a loop with a fake of that kind; without a provider if kind is empty.
func (w *world) loopRow(ctx context.Context, role, kind string) (r *row, err error) {
	r = &row{name: role, durable: strings.NewReplacer(" ", "-", ",", "").Replace(role)}
	o := loopOptions{URL: w.broker.hello.URL, Stream: w.queue.name, Durable: r.durable, Role: role}
	if kind != "" {
		if r.fake, err = w.fake(ctx, fakeOptions{Kind: kind}); err != nil {
			return nil, err
		}
		hello := r.fake.hello
		r.meter, o.Endpoint, o.CA, o.Credentials = r.fake, hello.URL, hello.CA, hello.Credentials
	}
	p, err := launch(ctx, role, o, "SSL_CERT_FILE="+o.CA)
	if err != nil {
		return nil, err
	}
	r.workers = []*process{p}
	if r.meter == nil {
		r.meter = p
	}
	return w.add(ctx, r)
}

// load is what a row is measured with: n receipts, paced if there is a rate, and
// otherwise those that the stream has already.
type load struct {
	traffic

	n, rate int
}

// measure runs a row and returns what came of it, but for its group and round. The
// durable rests before and after.
func (w *world) measure(ctx context.Context, r *row, l load) (record, error) {
	before, err := w.usage(r)
	if err != nil {
		return record{}, err
	}
	pushes := l.n * max(1, l.recipients)
	start, err := w.queue.resume(ctx, r.durable)
	if err != nil {
		return record{}, err
	}
	if _, err := r.meter.ask(question{Do: "begin", Want: pushes, Start: start}); err != nil {
		return record{}, err
	}
	if l.rate > 0 {
		<-time.After(time.Until(start))
		if err := w.queue.pace(ctx, l.traffic, l.n, l.rate); err != nil {
			return record{}, err
		}
	}
	got, err := r.meter.ask(question{Do: "await"})
	if err != nil {
		return record{}, err
	}
	if err := errors.Join(w.queue.drained(ctx, r.durable), w.queue.pause(ctx, r.durable)); err != nil {
		return record{}, err
	}
	return w.result(r, l, got, before)
}

// result makes the record of a row.
func (w *world) result(r *row, l load, got reply, before usage) (record, error) {
	after, err := w.usage(r)
	if err != nil {
		return record{}, err
	}
	pushes := l.n * max(1, l.recipients)
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(pushes) }
	out := record{
		Row: r.name, Receipts: l.n, Pushes: pushes, Paced: l.rate, Workers: len(r.workers), Recipients: l.recipients,
		Rate: float64(pushes) / got.Elapsed.Seconds(), P50: ms(got.P50), P99: ms(got.P99), P999: ms(got.P999),
		CPU: per(after.worker - before.worker), BrokerCPU: per(after.broker - before.broker), FakeCPU: per(after.fake - before.fake),
		RSS: mib(after.rss), BrokerRSS: mib(after.brokerRSS),
	}
	if r.fake != nil {
		s, err := r.fake.ask(question{Do: "stats"})
		if err != nil {
			return out, err
		}
		out.Failed, out.Twice, out.Open, out.Streams = s.Failed, s.Twice, s.Open, s.Streams
	}
	return out, nil
}
