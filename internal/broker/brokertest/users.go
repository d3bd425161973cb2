package brokertest

import (
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
	o := &server.Options{
		ServerName: "users", Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: tb.TempDir(),
		JetStreamMaxStore: 1 << 40, NoSigs: true, NoLog: true,
	}
	for _, u := range users {
		o.Users = append(o.Users, &server.User{
			Username: u.Name, Password: u.Name, Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: u.Publish},
				Subscribe: &server.SubjectPermission{Allow: u.Subscribe},
			},
		})
	}
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
	host := s.Addr().String()
	return func(user string) string { return "nats://" + user + ":" + user + "@" + host }
}
