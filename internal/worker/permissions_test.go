package worker_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// roles of deploy/permissions.
func roles() []string { return []string{"producer", "worker", "provisioner", "operator"} }

// quiet is a handler that only these tests have.
const quiet = `[{"name":"quiet"}]`

// startWithRoles runs a server with the shipped permissions, on which the
// provisioner has made everything for the handler.
func startWithRoles(t *testing.T) (url func(role string) string) {
	t.Helper()
	for _, role := range []string{"PRODUCER", "WORKER", "PROVISIONER", "OPERATOR"} {
		t.Setenv("PUSHWORKER_"+role+"_PASSWORD", "secret")
	}
	of := brokertest.StartWithConfig(t, "../../deploy/permissions/nats-server.conf")
	url = func(role string) string { return of(role, "secret") }
	c := load(t, url("provisioner"), "true")
	setup := connect(t, url("provisioner"))
	made, err := worker.Worker{Config: c, Log: zerolog.Nop()}.Provision(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range made {
		if o.Result != worker.Created {
			t.Errorf("%s is %s", o.Object, o.Result)
		}
	}
	return url
}

func load(t *testing.T, url, provision string) *config.Config {
	t.Helper()
	c, err := config.Load([]string{
		"PUSHWORKER_NATS_URL=" + url, "PUSHWORKER_ADMIN_ADDR=127.0.0.1:0", "PUSHWORKER_HANDLERS=" + quiet,
		"PUSHWORKER_NATS_INBOX_PREFIX=" + inbox(url), "PUSHWORKER_PROVISION=" + provision, "PUSHWORKER_MAX_BYTES=64MiB", "PUSHWORKER_DEAD_MAX_BYTES=64MiB", "PUSHWORKER_RETRY_BASE=1ms",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inbox is the prefix of the role that logs in at url.
func inbox(url string) string {
	role, _, _ := strings.Cut(strings.TrimPrefix(url, "nats://"), ":")
	return "_INBOX_" + role
}

func connect(t *testing.T, url string) *broker.Conn {
	t.Helper()
	conn, err := broker.Connect(t.Context(), broker.Options{URL: url, Name: "test", InboxPrefix: inbox(url), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// With the shipped permissions and PUSHWORKER_PROVISION=false a worker delivers,
// retries and buries, and registers devices.
func TestShippedPermissionsSuffice(t *testing.T) {
	url := startWithRoles(t)
	seen := make(chan int, 8)
	tried := false
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- worker.Worker{
			Config: load(t, url("worker"), "false"), Banner: io.Discard, Log: zerolog.Nop(),
			Plugins: func(r *push.Registry, _ push.Directory) {
				r.Register("quiet", push.Adapt(func(string) (push.Work, error) {
					return push.Work{Handle: func(_ context.Context, r *push.Receipt) error {
						seen <- r.Payload.SeqId
						switch {
						case r.Payload.SeqId == 2 && !tried:
							tried = true
							return errors.New("once more")
						case r.Payload.SeqId == 3:
							return push.Permanent(errors.New("never"))
						}
						return nil
					}}, nil
				}))
			},
		}.Run(ctx)
	}()
	pub, err := connect(t, url("producer")).Publisher(publisher.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pub.Close(context.WithoutCancel(ctx)) }() // the test ends anyway
	for seq := 1; seq <= 3; seq++ {
		if _, err := pub.Publish(t.Context(), &push.Receipt{Payload: push.Payload{What: push.ActMsg, SeqId: seq}}); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 { // the second twice
		select {
		case <-seen:
		case err := <-ended:
			t.Fatalf("the worker ends with %v", err)
		case <-time.After(deadline):
			t.Fatal("the worker does not deliver")
		}
	}
	operator := connect(t, url("operator"))
	topo := worker.Topology(load(t, url("operator"), "false"), []string{"quiet"})
	buried := func() bool {
		stats, err := status.NewReader(operator).Stats(t.Context(), topo)
		if err != nil {
			t.Fatal(err)
		}
		return stats.Streams[2].Messages == 1 && stats.Lanes[0].InFlight == 0 && stats.Lanes[0].RetriesWaiting == 0
	}
	for end := time.Now().Add(deadline); !buried(); {
		if time.Now().After(end) {
			t.Fatal("the letter is not written")
		}
	}
	if err := lanes.Pause(t.Context(), operator, topo, "quiet", time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if _, err := lanes.Find(t.Context(), operator, topo, "quiet"); !errors.Is(err, lanes.ErrRuns) {
		t.Errorf("FindLane = %v for a lane that a worker runs", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the worker ends with %v", err)
	}
	if lane, err := lanes.Find(t.Context(), operator, topo, "quiet"); err != nil || !lane.Abandoned {
		t.Errorf("FindLane = %+v, %v for a lane whose worker has stopped", lane, err)
	}
	if err := lanes.Retire(t.Context(), operator, topo, "quiet"); err != nil {
		t.Error(err)
	}
	if _, err := lanes.Find(t.Context(), operator, topo, "quiet"); !errors.Is(err, lanes.ErrNoLane) {
		t.Errorf("FindLane = %v for a lane that was retired", err)
	}
	for _, p := range status.Permissions(t.Context(), connect(t, url("worker")), topo, false) {
		if p.Err != nil {
			t.Errorf("the worker lacks %s for %s: %v", p.Subject, p.For, p.Err)
		}
	}
}

// Nobody may do what none of the roles is for.
func TestShippedPermissionsRefuseTheRest(t *testing.T) {
	url := startWithRoles(t)
	everybody := []string{"$JS.API.STREAM.DELETE.PUSH", "$JS.API.CONSUMER.DELETE.KV_push-devices.quiet", "$JS.API.STREAM.SNAPSHOT.PUSH", "foreign", "$KV.other.a"}
	refused := map[string][]string{
		"producer":    {"$JS.API.CONSUMER.DELETE.PUSH.quiet", "push.retry.quiet", "push.dead.quiet", "$JS.API.STREAM.INFO.PUSH", "$JS.API.STREAM.PURGE.PUSH", "$KV.push-devices.a"},
		"worker":      {"$JS.API.CONSUMER.DELETE.PUSH.quiet", "push.receipts", "$JS.API.STREAM.CREATE.PUSH", "$JS.API.STREAM.UPDATE.PUSH", "$JS.API.STREAM.MSG.DELETE.PUSH", "$JS.API.STREAM.PURGE.PUSH_DEAD"},
		"provisioner": {"$JS.API.CONSUMER.DELETE.PUSH.quiet", "push.receipts", "$JS.API.STREAM.PURGE.PUSH", "$JS.API.CONSUMER.MSG.NEXT.PUSH.quiet", "push.dead.quiet"},
		"operator":    {"$JS.API.STREAM.PURGE.PUSH", "$JS.API.STREAM.UPDATE.PUSH", "$JS.API.CONSUMER.MSG.NEXT.PUSH.quiet", "$JS.ACK.PUSH.quiet.1.1.1.1.0"},
	}
	for _, role := range roles() {
		for _, subject := range append(refused[role], everybody...) {
			if got := brokertest.MayPublish(t, url(role), subject); got {
				t.Errorf("%s may publish to %s", role, subject)
			}
		}
	}
	if !brokertest.MayPublish(t, url("producer"), "push.receipts") {
		t.Error("a producer may not publish receipts, so the test shows nothing")
	}
}
