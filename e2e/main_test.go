package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pushworker/pushworker/internal/blackbox/process"
)

// waiters is how many parallel tests run at a time: they wait for processes and for
// time to pass, and need little of this process.
const waiters = "4"

// binary is the program under test, natsServer the broker of docker-compose.yml, and embeddedBroker
// that of the program as a process of its own; all are built once. self is this program, which is also a
// chat server.
var binary, natsServer, embeddedBroker, self string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if addr := os.Getenv(chatAddr); addr != "" {
		return serveChat(addr, os.Getenv(chatDevices))
	}
	dir, err := os.MkdirTemp("", "pushworker-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	flag.Parse()
	if err := flag.Set("test.parallel", waiters); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if self, err = os.Executable(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := process.Build(context.Background(), dir, "../cmd/pushworker", "./broker", "github.com/nats-io/nats-server/v2"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary, natsServer, embeddedBroker = filepath.Join(dir, "pushworker"), filepath.Join(dir, "nats-server"), filepath.Join(dir, "broker")
	return m.Run()
}
