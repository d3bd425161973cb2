package brokertest

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
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
	o.ServerName, o.Host, o.Port = "brokertest", "127.0.0.1", server.RANDOM_PORT
	o.JetStream, o.StoreDir, o.JetStreamMaxStore = true, tb.TempDir(), 1<<40
	o.NoSigs, o.NoLog = true, true
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
