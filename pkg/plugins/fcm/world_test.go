package fcm_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/fcm"
	"github.com/pushworker/pushworker/pkg/push"
)

// patience bounds every wait; nothing but a failure waits so long.
const patience = 30 * time.Second

const (
	alice = push.Uid(0x1001 + iota)
	bob
)

var certFile, keyFile string

// transport is what the handlers' worlds are built with.
var transport = "auto"

// TestMain makes a certificate that this process trusts, because the list of the
// trusted is read once. All tests run over both transports.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fcm")
	if err == nil {
		certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		err = errors.Join(makeCertificate(), os.Setenv("SSL_CERT_FILE", certFile))
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	if transport = "net/http"; code == 0 && flag.Lookup("test.fuzz").Value.String()+flag.Lookup("test.bench").Value.String() == "" {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func makeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}

// world is a handler between a fake FCM and a directory.
type world struct {
	*testing.T
	fake      *fakefcm.Server
	directory *directory
	handler   push.Handler
}

// newWorld starts a fake and a handler for it. Over TLS as in production, unless
// the options say otherwise; nothing slows the handler down.
func newWorld(t *testing.T, o fakefcm.Options, keys ...string) *world {
	t.Helper()
	o.CertFile, o.KeyFile = certFile, keyFile
	return newWorldWith(t, o, keys...)
}

func newPlainWorld(t *testing.T, o fakefcm.Options, keys ...string) *world {
	t.Helper()
	return newWorldWith(t, o, keys...)
}

func newWorldWith(t *testing.T, o fakefcm.Options, keys ...string) *world {
	t.Helper()
	w := &world{T: t, fake: startFake(t, o), directory: &directory{devices: make(map[push.Uid][]push.Device)}}
	account, err := w.fake.ServiceAccount("project")
	if err != nil {
		t.Fatal(err)
	}
	w.handler = fcm.New(w.directory)
	w.mustInit(append(keys, `"credentials":`+string(account))...)
	return w
}

func startFake(t *testing.T, o fakefcm.Options) *fakefcm.Server {
	t.Helper()
	fake, err := fakefcm.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fake.Close(); err != nil {
			t.Error(err)
		}
	})
	return fake
}

func (w *world) mustInit(keys ...string) {
	w.Helper()
	if err := w.handler.Init(config(w.fake, keys...)); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(w.handler.Stop)
}

// config is one without brakes.
func config(fake *fakefcm.Server, keys ...string) string {
	return `{"endpoint":"` + fake.URL() + `/v1","per_second":1000000,"transport":"` + transport + `",` + strings.Join(keys, ",") + `}`
}

// rules make a script of rules as an operator writes them.
func rules(t *testing.T, text string) fake.Script {
	t.Helper()
	s, err := fakefcm.ParseScript([]byte(`{"rules":[` + text + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// register gives user a device, whose token is its id, and returns the token.
func (w *world) register(user push.Uid, id string) string {
	w.directory.put(push.Device{
		User: user, ID: id, Provider: "fcm", Platform: "android", Token: id, Registered: time.Now().Add(-time.Hour),
	})
	return id
}

// receiptTo is a message to the users.
func receiptTo(users ...push.Uid) *push.Receipt {
	r := &push.Receipt{To: make(map[push.Uid]push.Recipient), Payload: push.Payload{
		What: push.ActMsg, Topic: "grpOne", Timestamp: time.Now(), SeqId: 1, Content: json.RawMessage(`"hi"`),
	}}
	for _, u := range users {
		r.To[u] = push.Recipient{}
	}
	return r
}

// offer gives r to the handler; its outcome arrives.
func (w *world) offer(r *push.Receipt) <-chan error {
	w.Helper()
	outcome := make(chan error, 1)
	r.OnDone(func(err error) { outcome <- err })
	select {
	case w.handler.Push() <- r:
	case <-time.After(patience):
		w.Fatal("the handler takes no receipt")
	}
	return outcome
}

func (w *world) await(outcome <-chan error) error {
	w.Helper()
	select {
	case err := <-outcome:
		return err
	case <-time.After(patience):
		w.Fatal("no outcome")
		return nil
	}
}

func (w *world) handle(r *push.Receipt) error {
	w.Helper()
	return w.await(w.offer(r))
}

// drive does with r what a queue would, with the provider's delays only, and returns in how
// many rounds all went out.
func (w *world) drive(r *push.Receipt) (rounds int) {
	w.Helper()
	for rounds = 1; ; rounds++ {
		err := w.handle(r)
		if err == nil {
			return rounds
		}
		if rounds == 200 {
			w.Fatalf("after %d rounds: %v", rounds, err)
		}
		if part, ok := errors.AsType[*push.Undelivered](err); ok {
			r.To, r.Channel = part.To, part.Channel
		}
		if _, down := errors.AsType[*push.UnavailableError](err); down {
			w.pause(time.Second) // as the lane's breaker does
		}
		if told, ok := errors.AsType[*push.RetryAfterError](err); ok {
			w.pause(told.After)
		}
	}
}

func (w *world) pause(d time.Duration) {
	w.Helper()
	select {
	case <-time.After(d):
	case <-w.Context().Done():
	}
}

// wantOnce reports tokens that were not accepted exactly once.
func (w *world) wantOnce(tokens []string) {
	w.Helper()
	for _, token := range tokens {
		if n := w.fake.Count(token).Accepted; n != 1 {
			w.Errorf("%s was accepted %d times", token, n)
		}
	}
}

// crowd registers one device for each of n users.
func (w *world) crowd(n int) (users []push.Uid, tokens []string) {
	for i := range n {
		users = append(users, push.Uid(0x5000+i))
		tokens = append(tokens, w.register(users[i], fmt.Sprintf("token-%04d", i)))
	}
	return users, tokens
}

// directory is a push.Directory in memory.
type directory struct {
	mu      sync.Mutex
	devices map[push.Uid][]push.Device
	down    error
	verdict error
	gone    []verdict
}

// verdict is a call of Gone.
type verdict struct {
	device push.Device
	asOf   time.Time
	reason string
}

func (d *directory) put(device push.Device) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.devices[device.User] = append(d.devices[device.User], device)
}

// Devices implements [push.Directory].
func (d *directory) Devices(_ context.Context, users []push.Uid, _ string) (map[push.Uid][]push.Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return nil, d.down
	}
	asked := maps.Clone(d.devices)
	maps.DeleteFunc(asked, func(user push.Uid, _ []push.Device) bool {
		return !slices.Contains(users, user)
	})
	return asked, nil
}

// Gone implements [push.Directory].
func (d *directory) Gone(_ context.Context, device push.Device, asOf time.Time, reason string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, verdict{device, asOf, reason})
	return d.verdict
}

func (d *directory) verdicts() []verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]verdict(nil), d.gone...)
}

func (d *directory) fail(devices, gone error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down, d.verdict = devices, gone
}
