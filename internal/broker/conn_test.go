package broker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/embedded"
)

func TestConnectWaitsForTheBroker(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	b.Stop(t)
	result := make(chan error, 1)
	go func() {
		c, err := broker.Connect(t.Context(), broker.Options{URL: b.URL()})
		if err == nil {
			c.Close()
		}
		result <- err
	}()
	b.Restart(t)
	select {
	case err := <-result:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(brokertest.Deadline):
		t.Fatal("not connected")
	}
}

func TestConnectGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	b.Stop(t)
	var err error
	for limit := 3 * time.Second; limit < brokertest.Deadline; limit *= 2 { // until there is time for a second try, which tells why
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		_, err = broker.Connect(ctx, broker.Options{URL: "nats://user:secret@" + strings.TrimPrefix(b.URL(), "nats://")})
		cancel()
		brokertest.WantError(t, err, b.URL(), "PUSHWORKER_NATS_URL")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v is not the context's error", err)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
		if strings.Contains(err.Error(), "connection refused") {
			return
		}
	}
	t.Errorf("%v does not tell why", err)
}

func TestConnectReturnsARefusalAtOnce(t *testing.T) {
	t.Parallel()
	url := brokertest.StartWithUsers(t, brokertest.User{Name: "worker"})
	_, err := broker.Connect(t.Context(), broker.Options{URL: strings.Replace(url("worker"), ":worker@", ":wrong@", 1)})
	brokertest.WantError(t, err, "Authorization Violation", "PUSHWORKER_NATS_CREDS_FILE")
	if strings.Contains(err.Error(), "wrong") {
		t.Errorf("the error tells the password: %v", err)
	}
}

func TestConnectRefusesContradictions(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		options broker.Options
		words   []string
	}{
		"creds and nkey":   {broker.Options{CredsFile: "a", NKeyFile: "b"}, []string{"CREDS_FILE", "NKEY_FILE"}},
		"cert without key": {broker.Options{CertFile: "a"}, []string{"CERT_FILE", "KEY_FILE"}},
		"no nkey file":     {broker.Options{NKeyFile: "/nowhere"}, []string{"PUSHWORKER_NATS_NKEY_FILE", "/nowhere"}},
		"empty nkey file":  {broker.Options{NKeyFile: empty}, []string{"PUSHWORKER_NATS_NKEY_FILE"}},
		"no creds file":    {broker.Options{CredsFile: "/nowhere"}, []string{"/nowhere", "PUSHWORKER_NATS_"}},
		"no CA file":       {broker.Options{CAFile: "/nowhere"}, []string{"/nowhere", "PUSHWORKER_NATS_"}},
		"no URL":           {broker.Options{URL: "http://x y"}, []string{"PUSHWORKER_NATS_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), brokertest.Deadline)
			defer cancel()
			if test.options.URL == "" {
				test.options.URL = "nats://127.0.0.1:1"
			}
			_, err := broker.Connect(ctx, test.options)
			brokertest.WantError(t, err, test.words...)
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it waited for the context: %v", err)
			}
		})
	}
}

func TestConnectInProcess(t *testing.T) {
	t.Parallel()
	s, err := embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	c, err := broker.Connect(t.Context(), broker.Options{InProcess: s.InProcess()})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Connected() {
		t.Error("not connected")
	}
	c.Close()
	c.Close() // more than once
	if c.Connected() {
		t.Error("connected after Close")
	}
}

func TestCloseWithoutABrokerIsQuick(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := b.Connect(t)
	broker.Patient(c)
	b.Stop(t)
	brokertest.Eventually(t, "disconnected", func() bool { return !c.Connected() })
	closed := make(chan struct{})
	go func() {
		c.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(brokertest.Deadline):
		t.Fatal("Close waits for a broker that is gone")
	}
}

func TestDisconnectAndReconnectAreLoggedOnce(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	var log brokertest.Log
	c, err := broker.Connect(t.Context(), broker.Options{URL: b.URL(), Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	b.Stop(t)
	brokertest.Eventually(t, "disconnected", func() bool { return !c.Connected() })
	b.Restart(t)
	brokertest.Eventually(t, "logged", func() bool { return strings.Contains(log.String(), "connection restored") })
	c.Close()
	if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "connection lost") {
		t.Errorf("the log has %d lines, want one for the loss and one for the return:\n%s", n, log.String())
	}
}

// After its end a connection lets go of whoever waits for a broker that takes bytes and
// answers nothing; what it has not confirmed is told.
func TestConnectionEnds(t *testing.T) {
	t.Parallel()
	var swallows atomic.Bool
	proxy := brokertest.NewProxy(t, brokertest.Start(t).URL(), func(p []byte) []byte {
		if swallows.Load() {
			return nil
		}
		return p
	})
	c, err := broker.Connect(t.Context(), broker.Options{URL: proxy.URL()})
	if err != nil {
		t.Fatal(err)
	}
	swallows.Store(true)
	ending, end := context.WithCancel(t.Context())
	c.EndAfter(ending, time.Millisecond)
	asked := make(chan error, 1)
	go func() {
		_, err := c.StreamInfo(t.Context(), "PUSH")
		asked <- err
	}()
	end()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Errorf("the question ends with %v, want that it was called off", err)
	}
	c.Close()
	if c.Flushed() || c.Connected() {
		t.Errorf("flushed: %t, connected: %t, after Close", c.Flushed(), c.Connected())
	}
}

// A connection that can, has the broker confirm what was sent before it closes.
func TestCloseFlushes(t *testing.T) {
	t.Parallel()
	c := brokertest.Start(t).Connect(t)
	c.Close()
	if !c.Flushed() {
		t.Error("not flushed")
	}
}
