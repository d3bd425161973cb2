package doctor_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/doctor"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

func TestStoreSaysWhoUsesIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	c := &config.Config{DataDir: dir}
	answer := true
	look := func() []push.Finding {
		return doctor.Store(c, func(context.Context) bool { return answer }).Look(t.Context())
	}
	wantFinding(t, look(), push.LevelWarn, "no process uses "+dir+", yet a broker answers")
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking has made the directory")
	}
	server, err := embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: dir, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	wantFinding(t, look(), push.LevelOK, fmt.Sprintf("process %d uses %s", os.Getpid(), dir))
	answer = false
	wantFinding(t, look(), push.LevelFail, "and no broker answers")
	server.Shutdown()
	wantFinding(t, look(), push.LevelWarn, "neither a worker nor its broker runs")
	if err := os.WriteFile(filepath.Join(dir, "lock"), []byte("1\n"), 0o600); err != nil { // of a process that was killed
		t.Fatal(err)
	}
	wantFinding(t, look(), push.LevelWarn, "neither a worker nor its broker runs")
	c.MaxBytes = 1 << 60
	wantFinding(t, look(), push.LevelWarn, "less than PUSHWORKER_MAX_BYTES")
}

func TestCredentialsSayWhenTheyEnd(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "user.creds")
	c := &config.Config{}
	c.NATS.CredsFile = file
	write := func(claims string) []push.Finding {
		jwt := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
		text := "-----BEGIN NATS USER JWT-----\n" + jwt + "\n------END NATS USER JWT------\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return doctor.Credentials(c).Look(t.Context())
	}
	at := func(d time.Duration) string { return fmt.Sprintf(`{"exp":%d}`, time.Now().Add(d).Unix()) }
	wantFinding(t, write(`{}`), push.LevelOK, "does not expire")
	wantFinding(t, write(at(-time.Hour)), push.LevelFail, "has expired on")
	wantFinding(t, write(at(48*time.Hour)), push.LevelWarn, "is good until")
	wantFinding(t, write(at(90*24*time.Hour)), push.LevelOK, "is good until")
	wantFinding(t, write(`no claims`), push.LevelFail, "holds no user JWT")
}

func TestNetworkTellsWhatListens(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := &config.Config{}
	c.NATS.URL = config.BrokerURL(b.URL())
	found := doctor.Network(c).Look(t.Context())
	wantFinding(t, found, push.LevelOK, "can be reached")
	wantFinding(t, found, push.LevelOK, "nats-server 2.")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the test is over
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			_, _ = conn.Write([]byte("220 mail.example ESMTP\r\n"))
			_ = conn.Close()
		}
	}()
	c.NATS.URL = config.BrokerURL("nats://" + l.Addr().String())
	wantFinding(t, doctor.Network(c).Look(t.Context()), push.LevelFail, "does not speak NATS")
	c.NATS.URL = "nats://no-such-host.invalid:4222"
	wantFinding(t, doctor.Network(c).Look(t.Context()), push.LevelFail, "no-such-host.invalid has no address")
}

// What a user may not do is named, with what it is for.
func TestBrokerNamesMissingPermissions(t *testing.T) {
	t.Parallel()
	topo := (*brokertest.Broker)(nil).Topology("fcm")
	url := brokertest.StartWithUsers(t,
		brokertest.User{Name: "admin", Publish: []string{">"}, Subscribe: []string{">"}},
		brokertest.User{Name: "worker", Subscribe: []string{"_INBOX.>", "push.devices.*"}, Publish: []string{
			"$JS.API.>", "$JS.ACK.>", "push.schedule.>", "push.retry.>", "$KV.>",
		}})
	dial := func(user string) func(context.Context) (*broker.Conn, error) {
		return func(ctx context.Context) (*broker.Conn, error) {
			return broker.Connect(ctx, broker.Options{URL: url(user), Log: zerolog.Nop()})
		}
	}
	admin, err := dial("admin")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := topology.Provision(t.Context(), admin, topo); err != nil {
		t.Fatal(err)
	}
	c := &config.Config{Replicas: 1, MaxReceiptBytes: 1_000_000}
	found := doctor.Broker(c, topo, nil, dial("worker")).Look(t.Context())
	wantFinding(t, found, push.LevelFail, "publishing to push.dead.fcm is not permitted, which is for dead letters of lane fcm")
	wantFinding(t, found, push.LevelFail, "bucket push-devices")
	wantFinding(t, found, push.LevelOK, "clock: ")
	found = doctor.Broker(c, topo, nil, dial("admin")).Look(t.Context())
	wantFinding(t, found, push.LevelOK, "dead letters: none is waiting")
	if err := admin.JetStream().DeleteStream(t.Context(), "KV_push-lanes"); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, doctor.Broker(c, topo, nil, dial("admin")).Look(t.Context()), push.LevelWarn, "bucket push-lanes: ")
	wantFinding(t, found, push.LevelOK, "payload: the broker takes messages of 1048576 bytes, and a receipt may have 1000000")
	topo.AckWait = time.Minute
	c.MaxReceiptBytes = 1 << 20
	found = doctor.Broker(c, topo, nil, dial("admin")).Look(t.Context())
	wantFinding(t, found, push.LevelOK, "permission: every one ")
	wantFinding(t, found, push.LevelWarn, "raise max_payload of the broker to 1073152, or lower PUSHWORKER_MAX_RECEIPT_BYTES to 1024000")
	wantFinding(t, found, push.LevelWarn, "ack_wait of durable fcm of stream PUSH is 30s, not 1m0s")
}

// A lane that is paused and letters that wait are told without a worker.
func TestBrokerTellsPausesAndLetters(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	topo := b.Topology("fcm", "stdout")
	conn := b.Connect(t)
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	if err := lanes.Pause(t.Context(), conn, topo, "fcm", time.Date(2099, 12, 1, 8, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	look := func() []push.Finding {
		return doctor.Broker(&config.Config{Replicas: 1}, topo, nil, func(ctx context.Context) (*broker.Conn, error) {
			return broker.Connect(ctx, broker.Options{URL: b.URL(), Log: zerolog.Nop()})
		}).Look(t.Context())
	}
	bury := func(id string) {
		t.Helper()
		l := deadletter.Letter{Handler: "fcm", ID: id, Reason: "rejected", Stream: "PUSH", StreamSeq: 1, First: time.Now(), Last: time.Now()}
		if err := queue.NewDeadLetters(conn, topo).Bury(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	bury("1")
	found := look()
	wantFinding(t, found, push.LevelWarn, "lane fcm: paused until 2099-12-01 08:00Z → `pushworker lane resume fcm`")
	wantFinding(t, found, push.LevelWarn, "dead letters: 1 is waiting → `pushworker deadletter ls`")
	for _, f := range found {
		if f.Check == "lane stdout" {
			t.Errorf("a lane that runs is told: %+v", f)
		}
	}
	bury("2")
	wantFinding(t, look(), push.LevelWarn, "dead letters: 2 are waiting")
}

// A producer whose clock is wrong is told from what it has published.
func TestBrokerTellsProducersClocks(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	topo := b.Topology("fcm")
	conn := b.Connect(t)
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	p, err := conn.Publisher(publisher.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close(context.WithoutCancel(t.Context())) }() // the test ends anyway
	seq := 0
	publish := func(off time.Duration, options ...publisher.Option) {
		t.Helper()
		seq++
		r := &push.Receipt{Payload: push.Payload{What: push.ActMsg, Topic: "grpA", SeqId: seq, Timestamp: time.Now().Add(off)}}
		if _, err := p.Publish(t.Context(), r, options...); err != nil {
			t.Fatal(err)
		}
	}
	look := func() []push.Finding {
		return doctor.Broker(&config.Config{Replicas: 1}, topo, nil, func(ctx context.Context) (*broker.Conn, error) {
			return broker.Connect(ctx, broker.Options{URL: b.URL(), Log: zerolog.Nop()})
		}).Look(t.Context())
	}
	publish(-3*time.Hour, publisher.Header(publisher.WaitedHeader, "10800"), publisher.Expires(time.Now().Add(-time.Hour)))
	wantFinding(t, look(), push.LevelOK, "producer clock: the times in the newest receipts (1) agree")
	publish(0, publisher.Expires(time.Now().Add(-time.Hour)))
	wantFinding(t, look(), push.LevelWarn, "1 of the newest 2 receipts have a wrong time, for example 2 on push.receipts: Push-Expires is 1h0m0s behind its publish")
	publish(-7 * time.Hour)
	wantFinding(t, look(), push.LevelWarn, "2 of the newest 3 receipts have a wrong time, for example 3 on push.receipts: ts is 7h0m0s behind its publish")
	publish(24 * time.Hour)
	wantFinding(t, look(), push.LevelWarn, "ts is 24h0m0s ahead of its publish")
}
