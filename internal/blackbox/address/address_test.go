package address_test

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/blackbox/address"
)

// askEnv makes this program one that claims so many addresses and prints them, until its stdin ends.
const askEnv = "PUSHWORKER_ADDRESS_TEST"

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(askEnv)); err == nil {
		claims := make([]func(), n)
		for i := range claims {
			addr, release, err := address.Free()
			if err != nil {
				addr = err.Error()
			}
			claims[i] = release
			_, _ = os.Stdout.WriteString(addr + " ")
		}
		_, _ = os.Stdout.WriteString("\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		runtime.KeepAlive(claims)
		return
	}
	m.Run()
}

// TestNoAddressComesTwice: several processes at a time claim half of all addresses, and one
// that somebody listens at is none of them.
func TestNoAddressComesTwice(t *testing.T) {
	t.Parallel()
	const programs, each = 3, 1000
	seen := make(map[string]bool)
	add := func(addr string) {
		if seen[addr] || !strings.HasPrefix(addr, "127.0.0.1:1") {
			t.Errorf("the address is %q, which was given before: %t", addr, seen[addr])
		}
		seen[addr] = true
	}
	taken := listened(t)
	seen[taken] = true
	for range programs {
		for addr := range strings.FieldsSeq(claims(t, each)) {
			add(addr)
		}
	}
	add(address.For(t))
	if want := programs*each + 2; len(seen) != want {
		t.Errorf("%d addresses, want %d", len(seen), want)
	}
}

// listened is an address whose claim is over, and at which somebody listens.
func listened(t *testing.T) string {
	t.Helper()
	addr, release, err := address.Free()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	release()
	t.Cleanup(func() { _ = l.Close() })
	return addr
}

// claims is what a process prints that claims n addresses until the test ends.
func claims(t *testing.T, n int) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), askEnv+"="+strconv.Itoa(n))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // the test's context may end it
	})
	var said strings.Builder
	for buffer := make([]byte, 4096); !strings.HasSuffix(said.String(), "\n"); {
		read, err := stdout.Read(buffer)
		said.Write(buffer[:read])
		if err != nil {
			t.Fatal(err)
		}
	}
	return said.String()
}

// TestServersStandAtTheirClaims: the claim is in no server's way, which may come back, too.
func TestServersStandAtTheirClaims(t *testing.T) {
	t.Parallel()
	addr := address.For(t)
	for range 200 {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		address.Vacated(addr)
	}
}
