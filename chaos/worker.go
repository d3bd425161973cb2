package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pushworker/pushworker/internal/blackbox/process"
)

// newWorker makes worker i.
func (w *world) newWorker(ctx context.Context, i int) (*service, error) {
	s := &service{name: fmt.Sprintf("worker%d", i)}
	args, admin, env := []string{w.programs.worker, "run"}, "", w.workerEnviron(i)
	switch {
	case w.net != nil:
		l, err := w.net.Link(ctx, w.brokerAddrs())
		if err != nil {
			return nil, fmt.Errorf("make the link of a worker: %w", err)
		}
		w.links = append(w.links, l)
		w.atEnd(l.Close)
		args, admin = l.Wrap(args), l.Admin()
		env = append(env, "PUSHWORKER_NATS_URL="+w.natsURL(l.Brokers()))
	case w.shape.nodes == 0:
		env = append(env, "PUSHWORKER_EMBEDDED_ADDR="+w.nodes[0].client, "PUSHWORKER_DATA_DIR="+filepath.Join(w.dir, "data"))
	default:
		env = append(env, "PUSHWORKER_NATS_URL="+w.natsURL(w.brokerAddrs()))
	}
	s.spec = func(int) (process.Spec, string, error) {
		addr := admin
		if addr == "" { // a successor runs beside the process that it replaces
			port, err := w.ports.next()
			if err != nil {
				return process.Spec{}, "", err
			}
			addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		}
		env := append(slices.Clip(env), "PUSHWORKER_ADMIN_ADDR="+addr, w.handlers())
		return process.Spec{Dir: w.dir, Args: args, Env: env}, "http://" + addr + "/readyz", nil
	}
	return s, nil
}

// workerEnviron is the configuration of worker i, but for its addresses and handlers.
func (w *world) workerEnviron(i int) []string {
	limits := w.limits()
	return append(
		w.environ(),
		"PUSHWORKER_ACK_WAIT="+w.scale.ackWait.String(), "PUSHWORKER_SHUTDOWN_GRACE=15s",
		"PUSHWORKER_REPLICAS="+strconv.Itoa(w.replicas()),
		"PUSHWORKER_RETRY_BASE=500ms", "PUSHWORKER_RETRY_CAP=3s", "PUSHWORKER_RETRY_MAX_ATTEMPTS=1000",
		fmt.Sprintf("PUSHWORKER_MAX_BYTES=%d", limits.MaxBytes), fmt.Sprintf("PUSHWORKER_DEAD_MAX_BYTES=%d", limits.DeadMaxBytes),
		fmt.Sprintf("PUSHWORKER_RETRY_MAX_BYTES=%d", limits.RetryMaxBytes), fmt.Sprintf("PUSHWORKER_MAX_RECEIPT_BYTES=%d", tightLimit),
		"PUSHWORKER_ADMIN_TOKEN="+adminToken, "PUSHWORKER_LOG_FORMAT=json", "PUSHWORKER_PPROF=true",
		clockFile+"="+w.clockOf(fmt.Sprintf("worker%d", i)),
	)
}

// handlers is the variable with the configuration of the handlers.
func (w *world) handlers() string {
	ttl := "1h"
	if w.ttl > 0 {
		ttl = w.ttl.String()
	}
	config := map[string]any{
		"buffer": buffer, "timeout": w.timeout.String(), "credentials_file": w.credentials(), "endpoint": w.fakeURL + "/v1",
		"transport": w.transport, "time_to_live": ttl, "improvements": map[string]bool{"android_collapse_key": true}, "ramp": "1s",
	}
	if w.apple() {
		config = w.apnsConfig(ttl)
	}
	if w.web() {
		config = w.webConfig(ttl)
	}
	handlers := []map[string]any{
		{"name": "stdout", "config": map[string]any{"buffer": buffer}},
		{"name": w.provider, "config": config},
	}
	text, _ := json.Marshal(handlers) //nolint:errchkjson // strings and numbers
	return "PUSHWORKER_HANDLERS=" + string(text)
}

// clockOf is the file with the offset of somebody's clock.
func (w *world) clockOf(name string) string { return filepath.Join(w.dir, name+".clock") }
