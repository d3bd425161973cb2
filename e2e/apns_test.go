package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// apnsLine is a line that the fake APNs prints.
type apnsLine struct {
	Target, ID string
	Accepted   bool
	Header     map[string]string
}

// appleLines are the pushes that a fake has accepted.
func appleLines(t *testing.T, fake *program) (all []apnsLine) {
	t.Helper()
	for text := range strings.Lines(output(t, fake)) {
		var l apnsLine
		if json.Unmarshal([]byte(text), &l) == nil && l.Accepted {
			all = append(all, l)
		}
	}
	return all
}

// appleStats asks a fake for its counters, over a connection of its own that it keeps.
func appleStats(t *testing.T, addr, ca string) func() (connections, tokens int) {
	t.Helper()
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	t.Cleanup(client.CloseIdleConnections)
	return func() (connections, tokens int) {
		resp, err := client.Get("https://" + addr + "/fake/stats")
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, resp.Body)
		var s struct{ Connections, Tokens int }
		if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
			t.Fatal(err)
		}
		return s.Connections - 1, s.Tokens // without ours
	}
}

// TestAPNsTwoWorkers: two workers share a key without talking: they show one provider
// token, over as many connections as they are configured for. One is killed and started
// again meanwhile: everybody is told, and a push that is told again has the identity of
// the first.
func TestAPNsTwoWorkers(t *testing.T) {
	t.Parallel()
	const people, inFlight, perConn = 200, 180, 90
	dir, addr, apple := t.TempDir(), address.For(t), address.For(t)
	startBroker(t, dir, addr)
	fake := start(t, process.Spec{Name: "apns", Dir: dir, Args: []string{
		binary, "fake", "apns", "--tls", apple, "--key", "fake.p8", "--ca", "ca.pem", "--max-streams", "50", "--latency", "20ms", "--reveal",
	}})
	await(t, patience, "the fake listens", func() bool { return strings.Contains(fake.log(), "fake APNs at") })
	stats := appleStats(t, apple, filepath.Join(dir, "ca.pem"))
	worker := func(name string) *program {
		own := filepath.Join(dir, name)
		if err := os.MkdirAll(own, 0o700); err != nil {
			t.Fatal(err)
		}
		p := startWorker(t, own, "PUSHWORKER_NATS_URL=nats://"+addr, "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem"), "PUSHWORKER_ACK_WAIT=3s",
			fmt.Sprintf(`PUSHWORKER_HANDLERS=[{"name":"apns","config":{"key_file":%q,"key_id":"FAKEKEY001","team_id":"FAKETEAM01","topic":"com.example.app","endpoint":"https://%s","max_in_flight":%d}}]`,
				filepath.Join(dir, "fake.p8"), apple, inFlight))
		p.ready(patience)
		return p
	}
	began := time.Now()
	first := worker("one")
	worker("two")
	r := &push.Receipt{To: make(map[push.Uid]push.Recipient), Payload: push.Payload{What: push.ActMsg, Topic: "grpE2E", Content: "hello"}}
	var devices strings.Builder
	for i := range people {
		r.To[userOf(i+1)] = push.Recipient{Unread: 1}
		fmt.Fprintf(&devices, `{"user":%q,"id":"phone","provider":"apns","platform":"ios","token":"%064x"}`+"\n", userOf(i+1).UserId(), i+1)
	}
	file := filepath.Join(dir, "devices.jsonl")
	if err := os.WriteFile(file, []byte(devices.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := command(t, []string{"PUSHWORKER_NATS_URL=nats://" + addr}, "device", "import", file); code != 0 {
		t.Fatal(said)
	}
	pub, err := connect(t, addr).Publisher(publisher.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 10
	for seq := range rounds {
		if r.Payload.SeqId = seq + 1; seq == rounds/2 {
			first.Kill()
			first = worker("one")
		}
		if _, err := pub.Publish(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	type one struct{ target, collapse string }
	ids := make(map[one]string)
	await(t, patience, "everybody is told everything", func() bool {
		for _, l := range appleLines(t, fake) {
			what := one{l.Target, l.Header["apns-collapse-id"]}
			if id, again := ids[what]; again && id != l.ID {
				t.Fatalf("a push has the ids %s and %s", id, l.ID)
			}
			ids[what] = l.ID
		}
		return len(ids) == people*rounds
	})
	connections, tokens := stats()
	if most := 3 * inFlight / perConn; connections > most { // of three processes
		t.Errorf("%d connections were made, at most %d are configured", connections, most)
	}
	if slots := int(time.Now().Truncate(30*time.Minute).Sub(began.Truncate(30*time.Minute))/(30*time.Minute)) + 1; tokens > slots {
		t.Errorf("%d provider tokens were shown in %d half hours", tokens, slots)
	}
	if err := pub.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
