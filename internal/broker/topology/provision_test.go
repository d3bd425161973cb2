package topology_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

func TestProvisionCreatesWhatIsMissingAndNothingTwice(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := b.Connect(t)
	topo := b.Topology("fcm", "stdout")
	diffs, err := topology.Provision(t.Context(), c, topo)
	if err != nil {
		t.Fatal(err)
	}
	var created []string
	for _, d := range diffs {
		if !d.Updated || d.Field != "" || !strings.Contains(d.String(), "was created") {
			t.Errorf("difference %+v: %s", d, d)
		}
		created = append(created, d.Object)
	}
	want := []string{
		"bucket push-lanes", "stream PUSH", "stream PUSH_RETRY", "stream PUSH_DEAD",
		"durable fcm of stream PUSH", "durable fcm of stream PUSH_RETRY", "durable fcm-suspects of stream PUSH_RETRY",
		"durable stdout of stream PUSH", "durable stdout of stream PUSH_RETRY", "durable stdout-suspects of stream PUSH_RETRY",
	}
	if diff := cmp.Diff(want, created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	for range 2 {
		if diffs, err := topology.Provision(t.Context(), c, topo); len(diffs) > 0 || err != nil {
			t.Errorf("provisioning again: %v, %v", diffs, err)
		}
	}
	if diffs, err := topology.Bind(t.Context(), c, topo); len(diffs) > 0 || err != nil {
		t.Errorf("binding: %v, %v", diffs, err)
	}
}

func TestProvisionInSeveralProcessesAtOnce(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	topo := b.Topology("fcm", "stdout", "apns")
	var wg sync.WaitGroup
	for range 6 {
		c := b.Connect(t)
		wg.Go(func() {
			if _, err := topology.Provision(t.Context(), c, topo); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if diffs, err := topology.Provision(t.Context(), b.Connect(t), topo); len(diffs) > 0 || err != nil {
		t.Errorf("provisioning again: %v, %v", diffs, err)
	}
}

func TestProvisionUpdatesInPlace(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 5)
	brokertest.PullOne(t, r.Lane.Fresh)
	brokertest.Eventually(t, "settled", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 1 })
	r.AwaitPending(t, "PUSH", "fcm", 4)
	next := r.Topology
	next.History, next.MaxBytes, next.AckWait, next.Subject = 2*time.Hour, 2<<30, 20*time.Second, "push.other"
	next.DeadMaxAge = 3 * time.Hour
	diffs, err := topology.Provision(t.Context(), r.Conn, next)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []topology.Difference{
		{Object: "stream PUSH", Field: "max_age", Have: "1h0m0s", Want: "2h0m0s", Updated: true},
		{Object: "stream PUSH", Field: "max_bytes", Have: "1073741824", Want: "2147483648", Updated: true},
		{Object: "stream PUSH", Field: "subjects", Have: "push.receipts push.receipts.>", Want: "push.other push.other.>", Updated: true},
		{Object: "stream PUSH_DEAD", Field: "max_age", Have: "1h0m0s", Want: "3h0m0s", Updated: true},
		{Object: "durable fcm of stream PUSH", Field: "ack_wait", Have: "30s", Want: "20s", Updated: true},
		{Object: "durable fcm-suspects of stream PUSH_RETRY", Field: "ack_wait", Have: "30s", Want: "20s", Updated: true},
	} {
		if !slices.Contains(diffs, want) {
			t.Errorf("%+v is missing in %v", want, diffs)
		}
	}
	if diffs, err := topology.Provision(t.Context(), r.Conn, next); len(diffs) > 0 || err != nil {
		t.Errorf("provisioning again: %v, %v", diffs, err)
	}
	if info := r.Info(t, "fcm"); info.AckFloor.Stream != 1 || info.NumPending != 4 {
		t.Errorf("the lane stands at %d with %d to come, want 1 and 4", info.AckFloor.Stream, info.NumPending)
	}
}

// What others have set on our objects and does not matter to us stays.
func TestProvisionLeavesTheOperatorsSettingsAlone(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	s, err := r.JetStream.Stream(t.Context(), "PUSH")
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.Description, config.Metadata, config.MaxMsgSize = "ours", map[string]string{"team": "chat"}, 4096
	config.MaxMsgsPerSubject = 1 // matters: it would evict receipts
	if _, err := r.JetStream.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	diffs, err := topology.Provision(t.Context(), r.Conn, r.Topology)
	want := []topology.Difference{{Object: "stream PUSH", Field: "max_msgs_per_subject", Have: "1", Want: "-1", Updated: true}}
	if diff := cmp.Diff(want, diffs); diff != "" || err != nil {
		t.Errorf("differences (-want +got), %v:\n%s", err, diff)
	}
	if s, err = r.JetStream.Stream(t.Context(), "PUSH"); err != nil {
		t.Fatal(err)
	}
	got := s.CachedInfo().Config
	if got.Description != "ours" || got.Metadata["team"] != "chat" || got.MaxMsgSize != 4096 {
		t.Errorf("the operator's settings became %+v", got)
	}
}

func TestProvisionDoesNotEvictByALowerLimit(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 100)
	small := r.Topology
	small.MaxBytes = 1000
	diffs, err := topology.Provision(t.Context(), r.Conn, small)
	want := []topology.Difference{{Object: "stream PUSH", Field: "max_bytes", Have: "1073741824", Want: "1000"}}
	if diff := cmp.Diff(want, diffs); diff != "" || err != nil {
		t.Errorf("differences (-want +got), %v:\n%s", err, diff)
	}
	if n := len(r.Stored(t, "PUSH")); n != 100 {
		t.Errorf("%d receipts are left of 100", n)
	}
}

func TestProvisionRefusesWhatTheBrokerCannotChange(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(*testing.T, jetstream.JetStream)
		words   []string
	}{
		"retention": {func(t *testing.T, js jetstream.JetStream) {
			t.Helper()
			create(t, js, jetstream.StreamConfig{Name: "PUSH", Subjects: []string{"push.receipts"}, Retention: jetstream.WorkQueuePolicy})
		}, []string{"retention", "stream PUSH", "WorkQueue", "Limits", "PUSHWORKER_STREAM", "nats stream rm PUSH"}},
		"storage": {func(t *testing.T, js jetstream.JetStream) {
			t.Helper()
			create(t, js, jetstream.StreamConfig{Name: "PUSH_DEAD", Subjects: []string{"push.dead.>"}, Storage: jetstream.MemoryStorage})
		}, []string{"storage", "stream PUSH_DEAD", "Memory", "File"}},
		"subjects of another stream": {func(t *testing.T, js jetstream.JetStream) {
			t.Helper()
			create(t, js, jetstream.StreamConfig{Name: "CHAT", Subjects: []string{"push.receipts.>"}})
		}, []string{"stream PUSH", "overlap", "stream CHAT already takes push.receipts.>", "PUSHWORKER_STREAM=CHAT", "PUSHWORKER_SUBJECT"}},
		"filter": {func(t *testing.T, js jetstream.JetStream) {
			t.Helper()
			create(t, js, jetstream.StreamConfig{Name: "PUSH", Subjects: []string{"push.receipts.>"}})
			brokertest.Consume(t, js, jetstream.ConsumerConfig{Durable: "fcm", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "push.receipts.a"})
		}, []string{"filter", "durable fcm of stream PUSH", "push.receipts.a", "nats consumer rm PUSH fcm"}},
		"ack policy": {func(t *testing.T, js jetstream.JetStream) {
			t.Helper()
			create(t, js, jetstream.StreamConfig{Name: "PUSH", Subjects: []string{"push.receipts.>"}})
			brokertest.Consume(t, js, jetstream.ConsumerConfig{Durable: "fcm", AckPolicy: jetstream.AckNonePolicy})
		}, []string{"ack_policy", "durable fcm of stream PUSH", "rename the handler"}},
		"push consumer": {func(t *testing.T, js jetstream.JetStream) {
			t.Helper()
			create(t, js, jetstream.StreamConfig{Name: "PUSH", Subjects: []string{"push.receipts.>"}})
			if _, err := js.CreatePushConsumer(t.Context(), "PUSH", jetstream.ConsumerConfig{Durable: "fcm", DeliverSubject: "x.y", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
				t.Fatal(err)
			}
		}, []string{"durable fcm of stream PUSH", "push consumer", "rename the handler"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t)
			_, js := brokertest.Client(t, b.URL())
			test.prepare(t, js)
			_, err := topology.Provision(t.Context(), b.Connect(t), b.Topology("fcm"))
			brokertest.WantError(t, err, test.words...)
		})
	}
}

func create(t *testing.T, js jetstream.JetStream, c jetstream.StreamConfig) {
	t.Helper()
	if _, err := js.CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestProvisionReportsReplicasWithoutACluster(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	topo := b.Topology("fcm")
	topo.Replicas = 3
	_, err := topology.Provision(t.Context(), b.Connect(t), topo)
	brokertest.WantError(t, err, "stream PUSH", "replicas", "PUSHWORKER_REPLICAS")
}

func TestTopologyFaultsAreReportedTogether(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	topo := topology.Topology{Stream: "a b", Subject: "push.retry", Replicas: 9, Handlers: []string{"ok", "a.b", "x-suspects", "_y", ""}}
	c := b.Connect(t)
	_, err := topology.Provision(t.Context(), c, topo)
	words := []string{`"a b"`, "push.retry", "9 replicas", `"a.b"`, `"x-suspects"`, `"_y"`, `""`, "PUSHWORKER_HISTORY", "PUSHWORKER_MAX_BYTES"}
	brokertest.WantError(t, err, words...)
	if strings.Contains(err.Error(), `"ok"`) {
		t.Errorf("a good name is refused: %v", err)
	}
	_, err = topology.Bind(t.Context(), c, topo)
	brokertest.WantError(t, err, words...)
	for _, subject := range []string{"", "push", "push.>", "push.*.a", "a b", "push..x", "push.dead.x", "push.schedule"} {
		topo := b.Topology()
		topo.Subject = subject
		_, err := topology.Provision(t.Context(), c, topo)
		brokertest.WantError(t, err, "PUSHWORKER_SUBJECT")
	}
}

func TestBindSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := b.Connect(t)
	topo := b.Topology("fcm")
	_, err := topology.Bind(t.Context(), c, topo)
	brokertest.WantError(t, err, "durable fcm of stream PUSH", "durable fcm-suspects of stream PUSH_RETRY", "pushworker provision")
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("%v does not wrap the client's error", err)
	}
	if _, err := topology.Provision(t.Context(), c, topo); err != nil {
		t.Fatal(err)
	}
	topo.Handlers = append(topo.Handlers, "apns")
	topo.AckWait = time.Minute
	diffs, err := topology.Bind(t.Context(), c, topo)
	brokertest.WantError(t, err, "durable apns of stream PUSH", "pushworker provision")
	want := topology.Difference{Object: "durable fcm of stream PUSH", Field: "ack_wait", Have: "30s", Want: "1m0s"}
	if !slices.Contains(diffs, want) || !strings.Contains(want.String(), "is 30s, not 1m0s") {
		t.Errorf("differences are %v", diffs)
	}
	if _, err := queue.Bind(t.Context(), c, topo, "apns", nil); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("Lane = %v, want ErrConsumerNotFound", err)
	}
}
