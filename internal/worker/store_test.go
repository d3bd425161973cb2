package worker_test

import (
	"net/http"
	"testing"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
)

// A worker whose embedded broker cannot write any more is neither ready nor alive,
// since only a restart repairs it.
func TestEmbeddedStoreThatCannotWrite(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), address.For(t)
	admin := "http://" + setup{env: []string{"PUSHWORKER_DATA_DIR=" + dir, "PUSHWORKER_EMBEDDED_ADDR=" + addr}}.start(t)
	wantAnswer(t, admin+"/readyz", http.StatusOK, "ok")
	brokertest.BreakStore(t, "nats://"+addr, dir, "PUSH", "push.receipts")
	for _, path := range []string{"/livez", "/readyz"} {
		wantAnswer(t, admin+path, http.StatusServiceUnavailable, "restart pushworker")
	}
}

// A worker at another broker is alive, and not ready, while that broker stores nothing.
func TestBrokerThatCannotWrite(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	admin := "http://" + start(t, b.URL())
	wantAnswer(t, admin+"/readyz", http.StatusOK, "ok")
	b.RefuseWrites(t, "KV_push-lanes")
	wantAnswer(t, admin+"/readyz", http.StatusServiceUnavailable, "see the broker's disk and log")
	wantAnswer(t, admin+"/livez", http.StatusOK, "ok")
}
