package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/broker/embedded"
)

const holdDir = "PUSHWORKER_TEST_HOLD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdDir); dir != "" {
		hold(dir)
	}
	goleak.VerifyTestMain(m)
}

// hold is another process that uses dir until its stdin ends.
func hold(dir string) {
	s, err := embedded.Start(context.Background(), embedded.Options{Addr: "127.0.0.1:0", DataDir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("holding")
	_, _ = os.Stdin.Read(make([]byte, 1))
	s.Shutdown()
	os.Exit(0)
}

func start(t *testing.T, o embedded.Options) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	return s
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func open(t *testing.T, s *embedded.Server) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

func TestMessagesSurviveARestartOnTheSameDirectory(t *testing.T) {
	t.Parallel()
	for _, always := range []bool{false, true} {
		t.Run(fmt.Sprintf("sync always %t", always), func(t *testing.T) {
			t.Parallel()
			o := embedded.Options{Addr: "127.0.0.1:0", DataDir: filepath.Join(t.TempDir(), "made", "by", "us"), SyncAlways: always}
			s := start(t, o)
			nc, js := open(t, s)
			if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := js.Publish(t.Context(), "s", []byte("x")); err != nil {
					t.Fatal(err)
				}
			}
			nc.Close()
			s.Shutdown()
			s.Shutdown() // more than once
			_, js = open(t, start(t, o))
			stream, err := js.Stream(t.Context(), "S")
			if err != nil {
				t.Fatal(err)
			}
			if n := stream.CachedInfo().State.Msgs; n != 3 {
				t.Errorf("%d messages are left, want 3", n)
			}
		})
	}
}

// A limit is a reservation for the server, and refused beyond 3/4 of the disk.
func TestLimitsBeyondTheDiskAreNoObstacle(t *testing.T) {
	t.Parallel()
	_, js := open(t, start(t, embedded.Options{Addr: "127.0.0.1:0", DataDir: t.TempDir()}))
	for _, name := range []string{"A", "B", "C"} {
		c := jetstream.StreamConfig{Name: name, Subjects: []string{name}, MaxBytes: 100 << 40}
		if _, err := js.CreateStream(t.Context(), c); err != nil {
			t.Error(err)
		}
	}
}

func TestDirectoryIsLockedAgainstAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), holdDir+"="+dir)
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
	line := make([]byte, 7)
	if _, err := stdout.Read(line); err != nil || string(line) != "holding" {
		t.Fatalf("%q, %v", line, err)
	}
	_, err = embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: dir})
	locked, ok := errors.AsType[*embedded.LockedError](err)
	if !ok || locked.PID != cmd.Process.Pid || locked.Dir != dir {
		t.Errorf("Start = %v, want a LockedError with process %d", err, cmd.Process.Pid)
	}
	wantError(t, err, dir, strconv.Itoa(cmd.Process.Pid), "PUSHWORKER_DATA_DIR")
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	start(t, embedded.Options{Addr: "127.0.0.1:0", DataDir: dir})
}

// A crash leaves the file but not the lock.
func TestLockOfADeadProcessIsFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lock"), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, embedded.Options{Addr: "127.0.0.1:0", DataDir: dir})
	_, err := embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: dir})
	if locked, ok := errors.AsType[*embedded.LockedError](err); !ok || locked.PID != os.Getpid() {
		t.Errorf("Start = %v, want a LockedError with this process", err)
	}
}

func TestTakenAddressIsReportedAndNothingIsStarted(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dir, addr := t.TempDir(), l.Addr().String()
	_, err = embedded.Start(t.Context(), embedded.Options{Addr: addr, DataDir: dir})
	wantError(t, err, addr, "PUSHWORKER_EMBEDDED_ADDR", "PUSHWORKER_NATS_URL=nats://"+addr)
	if _, err := os.Stat(filepath.Join(dir, "jetstream")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the store was opened, and the error came after a wait for readiness: %v", err)
	}
	_ = l.Close()
	address.Vacated(addr)
	start(t, embedded.Options{Addr: addr, DataDir: dir}) // the lock is free
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		addr     string
		insecure bool
		words    []string // of the error; none when it starts
		url      string
	}{
		"loopback":               {addr: "127.0.0.1:0", url: "nats://127.0.0.1:"},
		"other loopback":         {addr: "127.0.0.2:0", url: "nats://127.0.0.2:"},
		"localhost":              {addr: "localhost:0", url: "nats://127.0.0.1:"},
		"all, insecure":          {addr: "0.0.0.0:0", insecure: true, url: "nats://127.0.0.1:"},
		"empty host, insecure":   {addr: ":0", insecure: true, url: "nats://127.0.0.1:"},
		"all":                    {addr: "0.0.0.0:0", words: []string{"0.0.0.0:0", "PUSHWORKER_EMBEDDED_TOKEN", "PUSHWORKER_EMBEDDED_CERT_FILE", "PUSHWORKER_EMBEDDED_INSECURE=true"}},
		"empty host":             {addr: ":4222", words: []string{"PUSHWORKER_EMBEDDED_INSECURE=true"}},
		"all, IPv6":              {addr: "[::]:4222", words: []string{"PUSHWORKER_EMBEDDED_INSECURE=true"}},
		"a name":                 {addr: "example.org:4222", words: []string{"PUSHWORKER_EMBEDDED_INSECURE=true"}},
		"no port":                {addr: "127.0.0.1", words: []string{"PUSHWORKER_EMBEDDED_ADDR", "host:port"}},
		"port is a name":         {addr: "127.0.0.1:nats", words: []string{"PUSHWORKER_EMBEDDED_ADDR", `"nats"`}},
		"port too great":         {addr: "127.0.0.1:65536", words: []string{"PUSHWORKER_EMBEDDED_ADDR"}},
		"not of this machine":    {addr: "192.0.2.1:0", insecure: true, words: []string{"192.0.2.1:0", "PUSHWORKER_EMBEDDED_ADDR"}},
		"name that is not known": {addr: "nowhere.invalid:0", insecure: true, words: []string{"nowhere.invalid", "PUSHWORKER_EMBEDDED_ADDR"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := embedded.Start(t.Context(), embedded.Options{Addr: test.addr, DataDir: t.TempDir(), Insecure: test.insecure})
			if err == nil {
				t.Cleanup(s.Shutdown)
			}
			if len(test.words) > 0 {
				wantError(t, err, test.words...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(s.ClientURL(), test.url) {
				t.Errorf("URL is %s, want %s…", s.ClientURL(), test.url)
			}
			open(t, s)
		})
	}
}

func TestStoreOfANewerServerIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		marked  string
		refused bool
	}{
		"first start":   {"", false},
		"older":         {"2.11.4", false},
		"older major":   {"1.99.0", false},
		"newer minor":   {"2.999.0", true},
		"newer major":   {"3.0.0", true},
		"not a version": {"garbage", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "version")
			if test.marked != "" {
				if err := os.WriteFile(path, []byte(test.marked+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, err := embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: dir})
			text, _ := os.ReadFile(path)
			if test.refused {
				wantError(t, err, dir, test.marked, "newer pushworker", "PUSHWORKER_DATA_DIR")
				if strings.TrimSpace(string(text)) != test.marked {
					t.Errorf("the mark became %q", text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s.Shutdown()
			if !strings.HasPrefix(string(text), "2.") || strings.TrimSpace(string(text)) == test.marked {
				t.Errorf("the mark is %q", text)
			}
		})
	}
}

func TestDirectoryThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: file})
	wantError(t, err, file, "PUSHWORKER_DATA_DIR")
	// The server itself cannot make its store.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: dir})
	wantError(t, err, dir, "PUSHWORKER_DATA_DIR", "JetStream")
	if err := os.Remove(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	start(t, embedded.Options{Addr: "127.0.0.1:0", DataDir: dir}) // nothing was left running or locked
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	_, err := embedded.Start(ctx, embedded.Options{Addr: "127.0.0.1:0", DataDir: dir})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Start = %v, want its context's error", err)
	}
	start(t, embedded.Options{Addr: "127.0.0.1:0", DataDir: dir})
}

func TestServerLogsAtDebugUnlessItMatters(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := start(t, embedded.Options{Addr: "127.0.0.1:0", DataDir: t.TempDir(), Log: zerolog.New(zerolog.SyncWriter(&log))})
	s.Shutdown()
	if !strings.Contains(log.String(), `"level":"debug"`) || !strings.Contains(log.String(), "nats-server: ") {
		t.Errorf("the server's lines are missing:\n%s", log.String())
	}
	for line := range strings.SplitSeq(strings.TrimSpace(log.String()), "\n") {
		if !strings.Contains(line, `"level":"debug"`) {
			t.Errorf("an orderly life is worth no more than debug: %s", line)
		}
	}
}
