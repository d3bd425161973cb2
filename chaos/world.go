package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/chaos/link"
	"github.com/pushworker/pushworker/internal/blackbox/ledger"
	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// world is one system under test and all that belongs to it.
type world struct {
	shape
	scale     scale
	transport string // to the provider
	dir       string
	programs  programs
	ports     *ports
	net       link.Net
	hosts     [2]string // of broker and provider

	brokers, workers []*service
	links            []link.Link
	nodes            []node
	fake             *process.Process
	fakeURL          string
	conn             *broker.Conn
	ledger           *ledger.Ledger
	wrongKey         atomic.Bool // workers that start have another VAPID key
	sent             uint64      // receipts
	undo             []func()

	supervision  sync.WaitGroup
	unsupervised func() // ends the supervision
	restarts     atomic.Int64
	crashes      atomic.Pointer[error]
}

// stream is that of receipts.
const stream = "PUSH"

// streams names what is looked at; the worker makes it.
func (w *world) streams() topology.Topology {
	return topology.Topology{Stream: stream, Subject: "push.receipts", Handlers: []string{"stdout", w.provider}}
}

// open starts everything: brokers, provider, workers, in the order of dependence,
// and registers the devices. Close the world whether or not there is an error.
func (w *world) open(ctx context.Context) error {
	w.ledger = ledger.New()
	for _, step := range []func(context.Context) error{
		w.openNet, w.openDisk, w.openBrokers, w.openFake, w.openWorkers, w.openConn, w.openDevices,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// close ends what is still there, the last first.
func (w *world) close() {
	for _, undo := range slices.Backward(w.undo) {
		undo()
	}
	w.undo = nil
}

func (w *world) atEnd(f func()) { w.undo = append(w.undo, f) }

// deferService has the holder of s killed at the end.
func (w *world) deferService(s *service) {
	w.atEnd(func() {
		for _, p := range s.processes() {
			p.Kill()
		}
	})
}

// openNet makes the network, of namespaces if this process may.
func (w *world) openNet(ctx context.Context) error {
	w.hosts = [2]string{"127.0.0.1", "127.0.0.1"}
	if !w.cuttable {
		return nil
	}
	n, err := link.Namespaces(ctx)
	if err != nil {
		n = link.Proxies()
	}
	w.net = n
	w.hosts = [2]string{n.Broker(), n.Provider()}
	w.atEnd(n.Close)
	return nil
}

// openFake starts the provider and waits until it answers.
func (w *world) openFake(ctx context.Context) error {
	port, err := w.ports.next()
	if err != nil {
		return err
	}
	addr := net.JoinHostPort(w.hosts[1], strconv.Itoa(port))
	w.fakeURL = "https://" + addr
	s := &service{name: "fake", spec: func(int) (process.Spec, string, error) {
		return w.fakeSpec(addr), w.fakeURL + "/fake/stats", nil
	}}
	if _, err := s.start(ctx); err != nil {
		return err
	}
	w.deferService(s)
	w.fake = s.holder()
	if err := s.await(ctx); err != nil {
		return err
	}
	files := []string{w.certificate()}
	if !w.web() { // whose key is no file
		files = append(files, w.credentials())
	}
	return written(ctx, files...) // once it listens
}

func (w *world) credentials() string { return filepath.Join(w.dir, "fake.json") }

// environ is the environment that every process has.
func (w *world) environ() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "GOTRACEBACK=all", "SSL_CERT_FILE=" + w.certificate()}
}

// openConn connects the publisher and the observer.
func (w *world) openConn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	conn, err := broker.Connect(ctx, broker.Options{URL: w.natsURL(w.brokerAddrs()), Name: "chaos", Log: zerolog.Nop()})
	if err != nil {
		return fmt.Errorf("connect the publisher: %w", err)
	}
	w.conn = conn
	w.atEnd(conn.Close)
	return nil
}

func (w *world) natsURL(addrs []string) string { return "nats://" + strings.Join(addrs, ",nats://") }

func (w *world) brokerAddrs() []string {
	var all []string
	for _, n := range w.nodes {
		all = append(all, n.client)
	}
	return all
}

// openDevices gives every user a device, whose token is the user.
func (w *world) openDevices(ctx context.Context) error {
	address, err := w.addresses(ctx)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for user := uint64(1); user <= users; user++ {
		fmt.Fprintf(&lines, `{"user":"%d","id":"phone","provider":%q,"platform":"android","token":%q}`+"\n", user, w.provider, address(user))
	}
	file := w.devicesFile()
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		return fmt.Errorf("write the devices: %w", err)
	}
	return w.command(ctx, "device", "import", file)
}

// addresses is what makes a user's token.
func (w *world) addresses(ctx context.Context) (func(user uint64) string, error) {
	switch {
	case w.apple():
		return appleToken, nil
	case w.web():
		return w.subscriptions(ctx)
	}
	return token, nil
}

func (w *world) devicesFile() string { return filepath.Join(w.dir, "devices.jsonl") }

// openWorkers starts the first worker, which makes the streams, and then the others.
func (w *world) openWorkers(ctx context.Context) error {
	for i := range w.shape.workers {
		s, err := w.newWorker(ctx, i)
		if err != nil {
			return err
		}
		w.workers = append(w.workers, s)
		w.deferService(s)
	}
	var group errgroup.Group
	for i, s := range w.workers {
		if _, err := s.start(ctx); err != nil {
			return err
		}
		if i > 0 {
			group.Go(func() error { return s.await(ctx) })
		} else if err := s.await(ctx); err != nil {
			return err
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	w.supervise(ctx)
	return nil
}

// supervise has workers started again that end by themselves, which they do when a
// cluster without a leader does not answer what they ask at their start.
func (w *world) supervise(ctx context.Context) {
	ctx, w.unsupervised = context.WithCancel(ctx)
	w.atEnd(func() {
		w.unsupervised()
		w.supervision.Wait()
	})
	if w.shape.nodes < 2 {
		return
	}
	for _, s := range w.workers {
		w.supervision.Go(func() {
			s.supervise(ctx, func(p *process.Process) {
				w.restarts.Add(1)
				if said := p.Said(); p.ExitCode() != 1 || strings.Contains(said, "goroutine ") {
					w.crashes.Store(new(fmt.Errorf("%s ended by itself with %d; it said: %s", s.name, p.ExitCode(), said)))
				}
			})
		})
	}
}

// fakeCall asks the provider's own door.
func (w *world) fakeCall(ctx context.Context, path, body string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	_, err := call(ctx, http.MethodPost, w.fakeURL+"/fake/"+path, body)
	return err
}
