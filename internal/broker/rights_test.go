package broker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

func TestWorkerNeedsFewRights(t *testing.T) {
	t.Parallel()
	var log brokertest.Log
	r, c := brokertest.Restricted(t, brokertest.Worker(), &log)
	if diffs, err := topology.Bind(t.Context(), c, r.Topology); len(diffs) > 0 || err != nil {
		t.Fatalf("Bind: %v, %v", diffs, err)
	}
	lane := brokertest.BindLane(t, c, r.Topology)
	r.Publish(t, 2)
	m := brokertest.PullOne(t, lane.Fresh)
	retry := brokertest.RetryOf(m, 10*time.Millisecond)
	if err := queue.NewScheduler(c, r.Topology).Schedule(t.Context(), retry); err != nil {
		t.Error(err)
	}
	brokertest.PullOne(t, lane.Retries)
	retry.Origin.Alone = true
	if err := queue.NewScheduler(c, r.Topology).Schedule(t.Context(), retry); err != nil {
		t.Error(err)
	}
	brokertest.PullOne(t, lane.Suspects)
	brokertest.Bury(t, queue.NewDeadLetters(c, r.Topology), brokertest.Letter("fcm", 1), brokertest.Letter("", 1))
	brokertest.PullOne(t, lane.Fresh)
	brokertest.Eventually(t, "all acknowledged", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 2 })
}

// Recording positions needs two more, and says once when it has them not.
func TestKeeperNeedsFewRights(t *testing.T) {
	t.Parallel()
	var refusals brokertest.Log
	user := brokertest.Worker()
	user.Publish = append(user.Publish, "$KV.push-lanes.>", "$JS.API.DIRECT.GET.KV_push-lanes")
	r, c := brokertest.Restricted(t, user, &refusals)
	if err := topology.NewPositions(c, r.Topology, zerolog.Nop()).Record(t.Context(), false); err != nil {
		t.Error(err)
	}
	var log brokertest.Log
	r, c = brokertest.Restricted(t, brokertest.Worker(), &refusals)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- topology.NewPositions(c, r.Topology, zerolog.New(&log)).Run(ctx) }()
	brokertest.Eventually(t, "said", func() bool { return strings.Contains(log.String(), "$KV.push-lanes.>") })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOperatorsNeedFewRights(t *testing.T) {
	t.Parallel()
	var log brokertest.Log
	user := brokertest.Worker()
	user.Publish = append(user.Publish, "$JS.API.STREAM.INFO.*", "$JS.API.DIRECT.GET.PUSH", "$JS.API.DIRECT.GET.PUSH_RETRY",
		"$JS.API.CONSUMER.LIST.PUSH", "$JS.API.STREAM.PURGE.PUSH", "$JS.API.DIRECT.GET.PUSH_DEAD")
	r, c := brokertest.Restricted(t, user, &log)
	r.Publish(t, 1)
	brokertest.Bury(t, queue.NewDeadLetters(c, r.Topology), brokertest.Letter("fcm", 1))
	if stats, err := status.NewReader(c).Stats(t.Context(), r.Topology); err != nil || stats.Lanes[0].OldestPending.IsZero() || len(stats.Streams) != 3 {
		t.Errorf("Stats = %+v, %v", stats, err)
	}
	if n := len(brokertest.ListLetters(t, letters.New(c, r.Topology), letters.Filter{})); n != 1 {
		t.Errorf("%d letters, want 1", n)
	}
	brokertest.PullOne(t, brokertest.BindLane(t, c, r.Topology).Fresh)
	s, err := r.JetStream.Stream(t.Context(), "PUSH")
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.MaxBytes = int64(s.CachedInfo().State.Bytes) // so that the janitor has work
	if _, err := r.JetStream.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "acknowledged", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 1 })
	if err := topology.NewJanitor(c, r.Topology, 0, zerolog.Nop()).Trim(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(r.Stored(t, "PUSH")); n != 0 {
		t.Errorf("the janitor left %d receipts", n)
	}
	if log.String() != "" {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestProvisionerNeedsFewRights(t *testing.T) {
	t.Parallel()
	url := brokertest.StartWithUsers(t, brokertest.User{
		Name: "setup", Subscribe: []string{"_INBOX.>"}, Publish: []string{
			"$JS.API.STREAM.INFO.*", "$JS.API.STREAM.CREATE.*", "$JS.API.STREAM.UPDATE.*", "$JS.API.STREAM.NAMES",
			"$JS.API.CONSUMER.LIST.PUSH", "$JS.API.CONSUMER.INFO.*.*", "$JS.API.CONSUMER.CREATE.>",
		},
	})
	c, err := broker.Connect(t.Context(), broker.Options{URL: url("setup")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	topo := (*brokertest.Broker)(nil).Topology("fcm")
	for range 2 {
		if _, err := topology.Provision(t.Context(), c, topo); err != nil {
			t.Fatal(err)
		}
		topo.AckWait, topo.History = time.Minute, 2*time.Hour // to be updated
	}
}

// The broker answers a forbidden request with silence; it must not take a
// timeout to find out, and the error must say what is missing.
func TestForbiddenRequestsSaySoAtOnce(t *testing.T) {
	t.Parallel()
	var log brokertest.Log
	user := brokertest.Worker()
	user.Publish = user.Publish[3:7] // fresh messages only
	r, c := brokertest.Restricted(t, user, &log)
	r.Publish(t, 1)
	for name, test := range map[string]struct {
		do      func() error
		subject string
	}{
		"Provision": {func() error { _, err := topology.Provision(t.Context(), c, r.Topology); return err }, "$JS.API.STREAM.INFO.PUSH"},
		"Bind":      {func() error { _, err := topology.Bind(t.Context(), c, r.Topology); return err }, "$JS.API.CONSUMER.INFO.PUSH_RETRY.fcm"},
		"Lane":      {func() error { _, err := queue.Bind(t.Context(), c, r.Topology, "fcm", nil); return err }, "$JS.API.CONSUMER.INFO.PUSH_RETRY.fcm"},
		"Schedule": {func() error {
			return queue.NewScheduler(c, r.Topology).Schedule(t.Context(), consumer.Retry{Handler: "fcm", Origin: consumer.Origin{Seq: 1, Stored: time.Now()}})
		}, "push.retry.fcm"},
		"Bury": {func() error {
			return queue.NewDeadLetters(c, r.Topology).Bury(t.Context(), brokertest.Letter("fcm", 1))
		}, "push.dead.fcm"},
		"Show":    {func() error { _, err := letters.New(c, r.Topology).Show(t.Context(), 1); return err }, "$JS.API.DIRECT.GET.PUSH_DEAD"},
		"Janitor": {func() error { return topology.NewJanitor(c, r.Topology, 0, zerolog.Nop()).Trim(t.Context()) }, "$JS.API.STREAM.INFO.PUSH"},
		"Stats":   {func() error { _, err := status.NewReader(c).Stats(t.Context(), r.Topology); return err }, "$JS.API.CONSUMER.INFO.PUSH_RETRY.fcm"},
	} {
		err := soon(t, name, test.do)
		denied, ok := errors.AsType[*broker.DeniedError](err)
		if !ok || !denied.Publish {
			t.Errorf("%s: %v, want a DeniedError", name, err)
			continue
		}
		brokertest.WantError(t, err, test.subject, "publish to", "add the permission")
	}
	if log.String() != "" {
		t.Errorf("what is returned is also logged:\n%s", log.String())
	}
}

// soon does what does not wait for a timeout, which would never be quicker than that. What a busy
// machine makes slow is done again, until it is quick.
func soon(t *testing.T, name string, do func() error) (err error) {
	t.Helper()
	for end := time.Now().Add(brokertest.Deadline); time.Now().Before(end); {
		start := time.Now()
		if err = do(); time.Since(start) < broker.RequestTimeout {
			return err
		}
	}
	t.Errorf("%s has never taken less than the timeout of a request: %v", name, err)
	return err
}

// A worker without a janitor's rights works on.
func TestForbiddenJanitorSaysSoOnceAndRests(t *testing.T) {
	t.Parallel()
	var refusals, log brokertest.Log
	user := brokertest.Worker()
	user.Publish = user.Publish[3:] // nothing about streams
	r, c := brokertest.Restricted(t, user, &refusals)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- topology.NewJanitor(c, r.Topology, time.Millisecond, zerolog.New(&log)).Run(ctx) }()
	brokertest.Eventually(t, "said", func() bool { return strings.Contains(log.String(), "$JS.API.STREAM.INFO.PUSH") })
	select {
	case err := <-done:
		t.Fatalf("Run ended: %v", err)
	case <-time.After(50 * time.Millisecond): // many intervals
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("the log has %d lines, want one:\n%s", n, log.String())
	}
}

// Nobody waits for the outcome of an ack, so its refusal is logged, and once.
func TestForbiddenAckIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log brokertest.Log
	user := brokertest.Worker()
	user.Publish = append([]string{}, user.Publish...)
	user.Publish[slices.Index(user.Publish, "$JS.ACK.PUSH.fcm.>")] = "nothing" // $JS.ACK of PUSH
	r, c := brokertest.Restricted(t, user, &log)
	r.Publish(t, 20)
	n, err := brokertest.BindLane(t, c, r.Topology).Fresh.Pull(t.Context(), 20, 0, nil, func(m consumer.Message) { brokertest.Ack(t, m) })
	if n != 20 || err != nil {
		t.Fatalf("Pull = %d, %v", n, err)
	}
	brokertest.Eventually(t, "logged", func() bool { return strings.Contains(log.String(), "$JS.ACK.PUSH.fcm.") })
	c.Close() // all twenty refusals have arrived
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("the log has %d lines, want one:\n%s", n, log.String())
	}
}

func TestForbiddenPullSaysSo(t *testing.T) {
	t.Parallel()
	var log brokertest.Log
	user := brokertest.Worker()
	user.Publish = append([]string{}, user.Publish...)
	user.Publish[slices.Index(user.Publish, "$JS.API.CONSUMER.MSG.NEXT.PUSH.fcm")] = "nothing" // MSG.NEXT of PUSH
	r, c := brokertest.Restricted(t, user, &log)
	lane := brokertest.BindLane(t, c, r.Topology)
	_, err := lane.Fresh.Pull(t.Context(), 1, 0, nil, func(consumer.Message) {})
	if _, ok := errors.AsType[*broker.DeniedError](err); !ok || errors.Is(err, consumer.ErrSourceGone) {
		t.Errorf("Pull = %v, want a DeniedError", err)
	}
	brokertest.WantError(t, err, "$JS.API.CONSUMER.MSG.NEXT.PUSH.fcm")
}
