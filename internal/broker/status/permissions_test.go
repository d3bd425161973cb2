package status_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// Trying permissions changes nothing: no message, no position, no setting.
func TestPermissionsAreTriedWithoutAnEffect(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	if _, err := devices.Provision(t.Context(), r.Conn, 1); err != nil {
		t.Fatal(err)
	}
	r.Publish(t, 2)
	brokertest.PullOne(t, r.Lane.Fresh)
	brokertest.Eventually(t, "acknowledged", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 1 })
	r.AwaitPending(t, "PUSH", "fcm", 1)
	before, infoBefore := snapshot(t, r), r.Info(t, "fcm")

	for _, p := range status.Permissions(t.Context(), r.Conn, r.Topology, true) {
		if p.Err != nil {
			t.Errorf("%s for %s: %v", p.Subject, p.For, p.Err)
		}
	}
	after, infoAfter := snapshot(t, r), r.Info(t, "fcm")
	if !slices.Equal(before, after) {
		t.Errorf("streams were %v and are %v", before, after)
	}
	if infoBefore.AckFloor.Stream != infoAfter.AckFloor.Stream || infoBefore.Delivered.Stream != infoAfter.Delivered.Stream ||
		infoAfter.NumPending != 1 || infoAfter.Paused || infoAfter.NumAckPending != infoBefore.NumAckPending {
		t.Errorf("the durable was %+v and is %+v", infoBefore, infoAfter)
	}
	if diffs, err := topology.Bind(t.Context(), r.Conn, r.Topology); len(diffs) > 0 || err != nil {
		t.Errorf("something has changed: %v, %v", diffs, err)
	}
}

// What is refused for its content is no line in the log of an embedded broker.
func TestPermissionsAreTriedQuietly(t *testing.T) {
	t.Parallel()
	var log brokertest.Log
	server, err := embedded.Start(t.Context(), embedded.Options{
		Addr: "127.0.0.1:0", DataDir: t.TempDir(), Log: zerolog.New(&log).Level(zerolog.WarnLevel),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	c := brokertest.ConnectTo(t, server.ClientURL(), zerolog.Nop())
	topo := (*brokertest.Broker)(nil).Topology("fcm", "stdout")
	try := func(when string) {
		t.Helper()
		for _, p := range status.Permissions(t.Context(), c, topo, true) {
			if p.Err != nil {
				t.Errorf("%s, %s for %s: %v", when, p.Subject, p.For, p.Err)
			}
		}
		if _, err := topology.Inspect(t.Context(), c, topo); err != nil { // what was logged before has arrived
			t.Error(err)
		}
		if said := log.String(); said != "" {
			t.Errorf("%s, the broker has logged:\n%s", when, said)
		}
	}
	try("with nothing made")
	for _, o := range inspected(t, c, topo) {
		if !errors.Is(o.Err, jetstream.ErrStreamNotFound) {
			t.Errorf("trying has made %s", o.Name)
		}
	}
	if _, err := topology.Provision(t.Context(), c, topo); err != nil {
		t.Fatal(err)
	}
	try("with everything made")
}

func inspected(t *testing.T, c *broker.Conn, topo topology.Topology) []topology.Object {
	t.Helper()
	all, err := topology.Inspect(t.Context(), c, topo)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func snapshot(t *testing.T, r *brokertest.Rig) [][5]uint64 {
	t.Helper()
	var states [][5]uint64
	for _, name := range []string{"PUSH", "PUSH_RETRY", "PUSH_DEAD", "KV_push-devices"} {
		s, err := r.JetStream.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		state := s.CachedInfo().State
		states = append(states, [5]uint64{state.Msgs, state.Bytes, state.FirstSeq, state.LastSeq, uint64(state.Consumers)})
	}
	return states
}

func TestPermissionsNameWhatIsRefused(t *testing.T) {
	t.Parallel()
	var log brokertest.Log
	user := brokertest.Worker()
	refused := []string{"$JS.API.CONSUMER.MSG.NEXT.PUSH.fcm", "push.dead.fcm"}
	user.Publish = slices.DeleteFunc(user.Publish, func(s string) bool { return slices.Contains(refused, s) })
	r, c := brokertest.Restricted(t, user, &log)
	var got []string
	for _, p := range permissionsSoon(t, c, r.Topology) {
		denied, ok := errors.AsType[*broker.DeniedError](p.Err)
		if p.Err != nil && !ok {
			t.Errorf("%s: %v", p.Subject, p.Err)
		}
		if ok && denied.Publish == p.Subscribe {
			t.Errorf("%s: refused as %+v", p.Subject, denied)
		}
		if ok && p.Needed {
			got = append(got, p.Subject)
		}
		if p.Subject == "push.devices.put" && !ok {
			t.Error("the refusal of a subscription is not noticed")
		}
	}
	if !slices.Equal(got, refused) {
		t.Errorf("needed and refused are %v, want %v", got, refused)
	}
}

// permissionsSoon are permissions that were found out without a wait for a timeout, which would never
// be quicker than that. A busy machine that is slow is asked again.
func permissionsSoon(t *testing.T, c *broker.Conn, topo topology.Topology) (all []status.Permission) {
	t.Helper()
	for end := time.Now().Add(brokertest.Deadline); time.Now().Before(end); {
		start := time.Now()
		if all = status.Permissions(t.Context(), c, topo, false); time.Since(start) < broker.RequestTimeout {
			return all
		}
	}
	t.Errorf("it has never taken less than the timeout of a request: %+v", all)
	return all
}

func TestClockAndRooms(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	clock, err := status.SkewOf(t.Context(), r.Conn, r.Topology)
	if err != nil || clock.Ahead.Abs() > clock.Within+time.Second {
		t.Errorf("clock is %+v, %v of a broker in this process", clock, err)
	}
	r.Publish(t, 3)
	rooms, err := status.Rooms(t.Context(), r.Conn, r.Topology)
	if err != nil || len(rooms) < 2 || rooms[0].Of != "stream PUSH" || rooms[0].Bytes == 0 || rooms[0].Limit != 1<<30 {
		t.Errorf("rooms are %+v, %v", rooms, err)
	}
	if o := devices.Inspect(t.Context(), r.Conn, 1); !errors.Is(o.Err, jetstream.ErrStreamNotFound) {
		t.Errorf("the bucket that is missing is %+v", o)
	}
	if _, err := devices.Provision(t.Context(), r.Conn, 1); err != nil {
		t.Fatal(err)
	}
	if o := devices.Inspect(t.Context(), r.Conn, 1); o.Err != nil || len(o.Differences) > 0 {
		t.Errorf("the bucket as it should be is %+v", o)
	}
}
