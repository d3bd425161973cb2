package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/embedded"
)

// brokerDir, when set, makes this test binary a broker process.
const brokerDir, brokerAddr = "PUSHWORKER_E2E_BROKER_DIR", "PUSHWORKER_E2E_BROKER_ADDR"

// waiters is how many parallel tests run at a time: they wait for processes and for
// time to pass, and need little of this process.
const waiters = "4"

// binary is the program under test, built once; self is this program, which is also
// the broker.
var binary, self string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if dir := os.Getenv(brokerDir); dir != "" {
		return serveBroker(dir, os.Getenv(brokerAddr))
	}
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
	binary = filepath.Join(dir, "pushworker")
	if out, err := build(context.Background(), binary, "../cmd/pushworker"); err != nil {
		fmt.Fprintf(os.Stderr, "build the program under test: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// build builds a program as the Makefile does: that is what is delivered, and the compiler
// has seen all of it before.
func build(ctx context.Context, to, pkg string) (said []byte, err error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "disable_grpc_modules,timetzdata", "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return cmd.CombinedOutput()
}

// serveBroker runs a broker until the process is killed.
func serveBroker(dir, addr string) int {
	_, err := embedded.Start(context.Background(), embedded.Options{Addr: addr, DataDir: dir, Log: zerolog.Nop()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready")
	select {}
}
