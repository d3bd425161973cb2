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
	"github.com/pushworker/pushworker/internal/consumer"
)

func TestWorkerNeedsFewRights(t *testing.T) {
	t.Parallel()
	var log lines
	r, c := restricted(t, worker(), &log)
	if diffs, err := broker.Bind(t.Context(), c, r.topo); len(diffs) > 0 || err != nil {
		t.Fatalf("Bind: %v, %v", diffs, err)
	}
	lane := bind(t, c, r.topo)
	r.publish(t, 2)
	m := one(t, lane.Fresh)
	retry := retryOf(m, 10*time.Millisecond)
	if err := broker.NewScheduler(c, r.topo).Schedule(t.Context(), retry); err != nil {
		t.Error(err)
	}
	one(t, lane.Retries)
	retry.Origin.Alone = true
	if err := broker.NewScheduler(c, r.topo).Schedule(t.Context(), retry); err != nil {
		t.Error(err)
	}
	one(t, lane.Suspects)
	bury(t, broker.NewDeadLetters(c, r.topo), letter("fcm", 1), letter("", 1))
	one(t, lane.Fresh)
	eventually(t, "all acknowledged", func() bool { return r.info(t, "fcm").AckFloor.Stream == 2 })
}

// Recording positions needs two more, and says once when it has them not.
func TestKeeperNeedsFewRights(t *testing.T) {
	t.Parallel()
	var refusals lines
	user := worker()
	user.Publish = append(user.Publish, "$KV.push-lanes.>", "$JS.API.DIRECT.GET.KV_push-lanes")
	r, c := restricted(t, user, &refusals)
	if err := broker.NewPositions(c, r.topo, zerolog.Nop()).Keep(t.Context()); err != nil {
		t.Error(err)
	}
	var log lines
	r, c = restricted(t, worker(), &refusals)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- broker.NewPositions(c, r.topo, zerolog.New(&log)).Run(ctx) }()
	eventually(t, "said", func() bool { return strings.Contains(log.String(), "$KV.push-lanes.>") })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOperatorsNeedFewRights(t *testing.T) {
	t.Parallel()
	var log lines
	user := worker()
	user.Publish = append(user.Publish, "$JS.API.STREAM.INFO.*", "$JS.API.DIRECT.GET.PUSH", "$JS.API.DIRECT.GET.PUSH_RETRY",
		"$JS.API.CONSUMER.LIST.PUSH", "$JS.API.STREAM.PURGE.PUSH", "$JS.API.DIRECT.GET.PUSH_DEAD")
	r, c := restricted(t, user, &log)
	r.publish(t, 1)
	bury(t, broker.NewDeadLetters(c, r.topo), letter("fcm", 1))
	if stats, err := broker.NewReader(c).Stats(t.Context(), r.topo); err != nil || stats.Lanes[0].OldestPending.IsZero() || len(stats.Streams) != 3 {
		t.Errorf("Stats = %+v, %v", stats, err)
	}
	if n := len(list(t, broker.NewLetters(c, r.topo), broker.LetterFilter{})); n != 1 {
		t.Errorf("%d letters, want 1", n)
	}
	one(t, bind(t, c, r.topo).Fresh)
	s, err := r.js.Stream(t.Context(), "PUSH")
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.MaxBytes = int64(s.CachedInfo().State.Bytes) // so that the janitor has work
	if _, err := r.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	eventually(t, "acknowledged", func() bool { return r.info(t, "fcm").AckFloor.Stream == 1 })
	if err := broker.NewJanitor(c, r.topo, 0, zerolog.Nop()).Trim(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(r.stored(t, "PUSH")); n != 0 {
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
		if _, err := broker.Provision(t.Context(), c, topo); err != nil {
			t.Fatal(err)
		}
		topo.AckWait, topo.History = time.Minute, 2*time.Hour // to be updated
	}
}

// The broker answers a forbidden request with silence; it must not take a
// timeout to find out, and the error must say what is missing.
func TestForbiddenRequestsSaySoAtOnce(t *testing.T) {
	t.Parallel()
	var log lines
	user := worker()
	user.Publish = user.Publish[3:7] // fresh messages only
	r, c := restricted(t, user, &log)
	r.publish(t, 1)
	start := time.Now()
	for name, test := range map[string]struct {
		do      func() error
		subject string
	}{
		"Provision": {func() error { _, err := broker.Provision(t.Context(), c, r.topo); return err }, "$JS.API.STREAM.INFO.PUSH"},
		"Bind":      {func() error { _, err := broker.Bind(t.Context(), c, r.topo); return err }, "$JS.API.CONSUMER.INFO.PUSH_RETRY.fcm"},
		"Lane":      {func() error { _, err := broker.BindLane(t.Context(), c, r.topo, "fcm", nil); return err }, "$JS.API.CONSUMER.INFO.PUSH_RETRY.fcm"},
		"Schedule": {func() error {
			return broker.NewScheduler(c, r.topo).Schedule(t.Context(), consumer.Retry{Handler: "fcm", Origin: consumer.Origin{Seq: 1, Stored: start}})
		}, "push.retry.fcm"},
		"Bury":    {func() error { return broker.NewDeadLetters(c, r.topo).Bury(t.Context(), letter("fcm", 1)) }, "push.dead.fcm"},
		"Show":    {func() error { _, err := broker.NewLetters(c, r.topo).Show(t.Context(), 1); return err }, "$JS.API.DIRECT.GET.PUSH_DEAD"},
		"Janitor": {func() error { return broker.NewJanitor(c, r.topo, 0, zerolog.Nop()).Trim(t.Context()) }, "$JS.API.STREAM.INFO.PUSH"},
		"Stats":   {func() error { _, err := broker.NewReader(c).Stats(t.Context(), r.topo); return err }, "$JS.API.CONSUMER.INFO.PUSH_RETRY.fcm"},
	} {
		err := test.do()
		denied, ok := errors.AsType[*broker.DeniedError](err)
		if !ok || !denied.Publish {
			t.Errorf("%s: %v, want a DeniedError", name, err)
			continue
		}
		wantError(t, err, test.subject, "publish to", "add the permission")
	}
	if took := time.Since(start); took > 20*time.Second { // each alone would wait 5 s
		t.Errorf("refusals took %s", took)
	}
	if log.String() != "" {
		t.Errorf("what is returned is also logged:\n%s", log.String())
	}
}

// A worker without a janitor's rights works on.
func TestForbiddenJanitorSaysSoOnceAndRests(t *testing.T) {
	t.Parallel()
	var refusals, log lines
	user := worker()
	user.Publish = user.Publish[3:] // nothing about streams
	r, c := restricted(t, user, &refusals)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- broker.NewJanitor(c, r.topo, time.Millisecond, zerolog.New(&log)).Run(ctx) }()
	eventually(t, "said", func() bool { return strings.Contains(log.String(), "$JS.API.STREAM.INFO.PUSH") })
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
	var log lines
	user := worker()
	user.Publish = append([]string{}, user.Publish...)
	user.Publish[slices.Index(user.Publish, "$JS.ACK.PUSH.fcm.>")] = "nothing" // $JS.ACK of PUSH
	r, c := restricted(t, user, &log)
	r.publish(t, 20)
	n, err := bind(t, c, r.topo).Fresh.Pull(t.Context(), 20, func(m consumer.Message) { ack(t, m) })
	if n != 20 || err != nil {
		t.Fatalf("Pull = %d, %v", n, err)
	}
	eventually(t, "logged", func() bool { return strings.Contains(log.String(), "$JS.ACK.PUSH.fcm.") })
	c.Close() // all twenty refusals have arrived
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("the log has %d lines, want one:\n%s", n, log.String())
	}
}

func TestForbiddenPullSaysSo(t *testing.T) {
	t.Parallel()
	var log lines
	user := worker()
	user.Publish = append([]string{}, user.Publish...)
	user.Publish[slices.Index(user.Publish, "$JS.API.CONSUMER.MSG.NEXT.PUSH.fcm")] = "nothing" // MSG.NEXT of PUSH
	r, c := restricted(t, user, &log)
	lane := bind(t, c, r.topo)
	_, err := lane.Fresh.Pull(t.Context(), 1, func(consumer.Message) {})
	if _, ok := errors.AsType[*broker.DeniedError](err); !ok || errors.Is(err, consumer.ErrSourceGone) {
		t.Errorf("Pull = %v, want a DeniedError", err)
	}
	wantError(t, err, "$JS.API.CONSUMER.MSG.NEXT.PUSH.fcm")
}
