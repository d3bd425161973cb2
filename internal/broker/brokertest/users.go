package brokertest

import (
	"cmp"
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// User is a user of a broker with permissions.
type User struct {
	// Name is also the password.
	Name string
	// Publish and Subscribe are the subjects allowed.
	Publish, Subscribe []string
}

// StartWithUsers runs a server that knows these users only, until the test ends.
// It returns where a user connects.
func StartWithUsers(tb testing.TB, users ...User) (url func(user string) string) {
	tb.Helper()
	o := &server.Options{}
	for _, u := range users {
		o.Users = append(o.Users, &server.User{
			Username: u.Name, Password: u.Name, Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: u.Publish},
				Subscribe: &server.SubjectPermission{Allow: u.Subscribe},
			},
		})
	}
	host := run(tb, o)
	return func(user string) string { return "nats://" + user + ":" + user + "@" + host }
}

// StartWithTLS runs a server that speaks TLS and knows one user by its public
// NKey only, until the test ends. It returns where to connect.
func StartWithTLS(tb testing.TB, config *tls.Config, nkey string) (url string) {
	tb.Helper()
	return "tls://" + run(tb, &server.Options{
		TLSConfig: config, TLSTimeout: 10, Nkeys: []*server.NkeyUser{{Nkey: nkey}},
	})
}

// run returns the address of the server.
func run(tb testing.TB, o *server.Options) string {
	tb.Helper()
	o.ServerName, o.Host, o.Port = cmp.Or(o.ServerName, "brokertest"), "127.0.0.1", server.RANDOM_PORT
	o.JetStream, o.StoreDir, o.JetStreamMaxStore = true, tb.TempDir(), 1<<40
	o.NoSigs, o.NoLog = true, true
	o.AuthTimeout, o.TLSTimeout = Deadline.Seconds(), Deadline.Seconds()
	s, err := server.NewServer(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		tb.Fatal("the broker is not ready")
	}
	return s.Addr().String()
}

// StartWithConfig runs a server with the users and permissions of a configuration
// file, until the test ends. Variables of the file come from the environment. It
// returns where a user connects.
func StartWithConfig(tb testing.TB, file string) (url func(user, password string) string) {
	tb.Helper()
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	host := run(tb, o)
	return func(user, password string) string { return "nats://" + user + ":" + password + "@" + host }
}

// MayPublish reports whether the server lets a user publish to subject. What is
// sent is nothing that a stream stores or an API takes.
func MayPublish(tb testing.TB, url, subject string) bool {
	tb.Helper()
	return permits(tb, url, func(nc *nats.Conn) error {
		return nc.PublishMsg(&nats.Msg{Subject: subject, Header: nats.Header{"Nats-Expected-Stream": {"none"}}, Data: []byte("{ nothing")})
	})
}

// MaySubscribe reports whether the server lets a user subscribe to subject.
func MaySubscribe(tb testing.TB, url, subject string) bool {
	tb.Helper()
	return permits(tb, url, func(nc *nats.Conn) error {
		_, err := nc.SubscribeSync(subject)
		return err
	})
}

// permits reports whether the server lets a user do something.
func permits(tb testing.TB, url string, do func(*nats.Conn) error) bool {
	tb.Helper()
	refused := make(chan struct{}, 1)
	nc, err := nats.Connect(url, nats.Timeout(Deadline), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			refused <- struct{}{}
		}
	}))
	if err != nil {
		tb.Fatal(err)
	}
	defer nc.Close()
	if err := errors.Join(do(nc), nc.Flush()); err != nil && !errors.Is(err, nats.ErrPermissionViolation) {
		tb.Fatal(err)
	}
	select {
	case <-refused:
		return false
	case <-time.After(100 * time.Millisecond): // the refusal comes before the answer to Flush
		return true
	}
}
