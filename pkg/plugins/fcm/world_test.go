package fcm_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
)

// patience bounds every wait; nothing but a failure waits so long.
const patience = 2 * time.Minute

const (
	alice = push.Uid(0x1001 + iota)
	bob
)

var certFile, keyFile string

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
	linetest.Desk

	fake *fakefcm.Server
}

// newWorld starts a fake and a handler for it. Over TLS as in production, unless
// the options say otherwise; nothing slows the handler down.
func newWorld(t *testing.T, o fakefcm.Options, keys ...string) *world {
	t.Helper()
	return newWorldOf(t, fcm.NewPatient, o, keys...)
}

// newWorldOf is newWorld with a handler that handler makes: fcm.New gives up a silent connection
// after seconds.
func newWorldOf(t *testing.T, handler func(push.Directory) push.Handler, o fakefcm.Options, keys ...string) *world {
	t.Helper()
	o.CertFile, o.KeyFile = certFile, keyFile
	return newWorldWith(t, handler, o, keys...)
}

func newPlainWorld(t *testing.T, o fakefcm.Options, keys ...string) *world {
	t.Helper()
	return newWorldWith(t, fcm.NewPatient, o, keys...)
}

func newWorldWith(t *testing.T, handler func(push.Directory) push.Handler, o fakefcm.Options, keys ...string) *world {
	t.Helper()
	w := &world{linetest.Desk{T: t, Directory: &linetest.Directory{}}, startFake(t, o)}
	account, err := w.fake.ServiceAccount("project")
	if err != nil {
		t.Fatal(err)
	}
	w.Handler = handler(w.Directory)
	w.mustInit(append(keys, `"credentials":`+string(account))...)
	return w
}

func startFake(t *testing.T, o fakefcm.Options) *fakefcm.Server {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	wired.Store(name, nil)
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
	w.MustInit(config(w.fake, keys...))
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
	w.Directory.Put(push.Device{
		User: user, ID: id, Provider: "fcm", Platform: "android", Token: id, Registered: time.Now().Add(-time.Hour),
	})
	return id
}

// drive does with r what a queue would, with the provider's delays only, and returns in how
// many rounds all went out.
func (w *world) drive(r *push.Receipt) (rounds int) {
	w.Helper()
	for rounds = 1; ; rounds++ {
		err := w.Handle(r)
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

// receiptTo is a message to the users.
func receiptTo(users ...push.Uid) *push.Receipt {
	return linetest.Message(push.Recipient{}, users...)
}
