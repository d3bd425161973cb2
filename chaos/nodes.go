package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/internal/sleep"
)

// node is where one broker listens.
type node struct{ client, cluster, monitor string }

// diskSize is the small file system of the broker's store.
const diskSize = "64m"

// errNotRoot says why there is no small file system.
var errNotRoot = errors.New("a small file system needs the right to mount one: run as root")

// replicas of the streams.
func (w *world) replicas() int { return max(1, w.shape.nodes) }

// openDisk mounts a small file system for the broker's store.
func (w *world) openDisk(ctx context.Context) error {
	store := w.store(0)
	if err := os.MkdirAll(store, 0o700); err != nil {
		return fmt.Errorf("make the broker's store: %w", err)
	}
	if !w.disk {
		return nil
	}
	if os.Geteuid() != 0 {
		return errNotRoot
	}
	if out, err := exec.CommandContext(ctx, "mount", "-t", "tmpfs", "-o", "size="+diskSize, "pushworker-chaos", store).CombinedOutput(); err != nil { //nolint:gosec // our own directory
		return fmt.Errorf("%w: mount: %w: %s", errNotRoot, err, out)
	}
	w.atEnd(func() {
		_ = exec.CommandContext(context.WithoutCancel(ctx), "umount", "-l", store).Run() //nolint:gosec // our own directory
	})
	return nil
}

func (w *world) store(i int) string { return filepath.Join(w.dir, fmt.Sprintf("store%d", i)) }

// openBrokers starts the brokers and waits until they are ready. The embedded one
// starts with its worker.
func (w *world) openBrokers(ctx context.Context) error {
	for range max(1, w.shape.nodes) {
		n, err := w.newNode()
		if err != nil {
			return err
		}
		w.nodes = append(w.nodes, n)
	}
	for i := range w.shape.nodes {
		s, err := w.newBroker(i)
		if err != nil {
			return err
		}
		w.brokers = append(w.brokers, s)
		w.deferService(s)
		if _, err := s.start(ctx); err != nil {
			return err
		}
	}
	for _, s := range w.brokers {
		if err := s.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) newNode() (node, error) {
	var addrs [3]string
	for i, host := range []string{w.hosts[0], "127.0.0.1", "127.0.0.1"} {
		port, err := w.ports.next()
		if err != nil {
			return node{}, err
		}
		addrs[i] = net.JoinHostPort(host, strconv.Itoa(port))
	}
	return node{client: addrs[0], cluster: addrs[1], monitor: addrs[2]}, nil
}

// newBroker makes broker i.
func (w *world) newBroker(i int) (*service, error) {
	n, name := w.nodes[i], fmt.Sprintf("broker%d", i)
	var c strings.Builder
	limit := "2GB"
	if w.disk {
		limit = "56MB"
	}
	fmt.Fprintf(&c, "server_name: %s\nlisten: %q\nhttp: %q\njetstream { store_dir: %q, max_file_store: %s }\n", name, n.client, n.monitor, w.store(i), limit)
	if w.payload > 0 {
		fmt.Fprintf(&c, "max_payload: %d\n", w.payload)
	}
	if len(w.nodes) > 1 {
		fmt.Fprintf(&c, "cluster { name: chaos, listen: %q, no_advertise: true, routes: [", n.cluster)
		for _, other := range w.nodes { // a route to itself does no harm
			fmt.Fprintf(&c, "%q,", "nats://"+other.cluster)
		}
		c.WriteString("] }\n")
	}
	file := filepath.Join(w.dir, name+".conf")
	if err := os.WriteFile(file, []byte(c.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration of a broker: %w", err)
	}
	return &service{name: name, spec: func(int) (process.Spec, string, error) {
		return process.Spec{
			Dir: w.dir, Args: []string{w.programs.broker, "-c", file}, Env: append(w.environ(), clockFile+"="+w.clockOf(name)),
		}, "http://" + n.monitor + "/healthz", nil
	}}, nil
}

// electing is how long a cluster on a busy machine may take to elect a leader; then
// there is none to kill, and the schedule cannot be kept.
const electing = 20 * time.Second

// leader waits for the broker that leads the stream of receipts. After a kill the
// stream has none until the others have elected one.
func (w *world) leader(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, electing)
	defer cancel()
	for {
		if i, ok := w.leaderNow(ctx); ok {
			return i, nil
		}
		if sleep.For(ctx, 100*time.Millisecond) != nil {
			return 0, fmt.Errorf("no broker knows who leads the stream of receipts: the cluster has had no quorum for %s", electing)
		}
	}
}

// leaderNow is the broker that leads the stream of receipts, as the others see it.
func (w *world) leaderNow(ctx context.Context) (int, bool) {
	for _, n := range w.nodes {
		text, err := call(ctx, http.MethodGet, "http://"+n.monitor+"/jsz?streams=true", "")
		if err != nil {
			continue
		}
		if name := leaderIn(text); name != "" {
			i, err := strconv.Atoi(strings.TrimPrefix(name, "broker"))
			if err == nil && i < len(w.brokers) {
				return i, true
			}
		}
	}
	return 0, false
}

// leaderIn reads the answer of a broker's monitoring port.
func leaderIn(text []byte) string {
	var answer struct {
		Accounts []struct {
			Streams []struct {
				Name    string
				Cluster struct{ Leader string }
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	if json.Unmarshal(text, &answer) != nil {
		return ""
	}
	for _, a := range answer.Accounts {
		for _, s := range a.Streams {
			if s.Name == stream {
				return s.Cluster.Leader
			}
		}
	}
	return ""
}
