package e2e_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestFCMCredentials: keys that are wrong pause the lane with an error that says
// what to do; nothing dies; and once the file is replaced pushes go on by
// themselves. Both the token endpoint and FCM itself may be who refuses.
func TestFCMCredentials(t *testing.T) {
	t.Parallel()
	w := newFCMWorld(t, `,"project_id":"demo"`)
	const crowd = 20 // FCM's refusal is believed when several users' devices have met it
	w.crowd(crowd)
	good := read(t, w.credentials)
	write(t, w.credentials, `{"type":"service_account"}`)
	worker := w.worker()

	w.send()
	w.pausedWith(worker, "create a key in the Firebase console")
	write(t, w.credentials, good)
	w.resumed("the file is no key")

	write(t, w.credentials, withOtherKey(t, good))
	await(t, patience, "the worker has tried the other key", func() bool {
		w.send()
		return metric(t, worker, `pushworker_lane_breaker_open`) == 1
	})
	w.pausedWith(worker, "replace the service account's key")
	write(t, w.credentials, good)
	w.resumed("the key is one that Google does not know")

	w.script(`{"answer":"permission-denied"}`)
	for user := range crowd {
		w.publish(w.message(userOf(user + 1)))
	}
	w.pausedWith(worker, "give the service account the role")
	if resp, err := http.Get("http://" + worker.admin + "/readyz"); err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the worker is not ready: %v", err)
	}
	w.script(``)
	w.resumed("FCM refuses the account")
	w.check(0)
}

// send publishes a message to user 1.
func (w *fcmWorld) send() {
	w.Helper()
	w.publish(w.message(userOf(1)))
}

// resumed waits until the lane goes on by itself. How soon that is, is held by clocks that nothing
// slows down: TestUnauthenticated in pkg/plugins/fcm, TestKeyFile in pkg/plugins/internal/credential, TestOneAsksAfterTheRest in
// pkg/plugins/internal/line.
func (w *fcmWorld) resumed(what string) {
	w.Helper()
	since := time.Now()
	await(w.T, patience, "the lane goes on after: "+what, func() bool { return len(w.deliveries()) == w.ledger.Confirmed() })
	w.Logf("%s: it went on %s after that was corrected", what, time.Since(since).Round(time.Millisecond))
}

// withOtherKey is a service account with a key that nobody knows.
func withOtherKey(t *testing.T, account string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	if err := json.Unmarshal([]byte(account), &members); err != nil {
		t.Fatal(err)
	}
	members["private_key"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// pausedWith waits until a worker says, in its log and at /status, that the lane is
// paused, with this hint.
func (w *fcmWorld) pausedWith(p *program, hint string) {
	w.Helper()
	await(w.T, patience, "/status says: "+hint, func() bool { return strings.Contains(page(w.T, p, "/status"), hint) })
	await(w.T, patience, "the log says: "+hint, func() bool { return strings.Contains(p.log(), hint) })
}
