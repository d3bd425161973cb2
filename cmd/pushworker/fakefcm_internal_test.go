package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/cli"
	"github.com/pushworker/pushworker/internal/cli/app"
)

// TestFakeFCMHasTwoNames: the old one is the same command, whose flags about addresses are
// as they were.
func TestFakeFCMHasTwoNames(t *testing.T) {
	for name, flags := range map[string][]string{
		"fake fcm": {"--http HOST:PORT", "--tls HOST:PORT", "--ca FILE"},
		"fakefcm":  {"--addr HOST:PORT", "--tls  ", "--ca-out FILE"},
	} {
		var help bytes.Buffer
		if code := cli.Run(t.Context(), ours(), append(strings.Fields(name), "--help"), nil, nil, &help, io.Discard); code != app.ExitOK {
			t.Errorf("%s: exit code %d", name, code)
		}
		for _, want := range append(flags, "Runs a stand-in for Firebase Cloud Messaging", "pushworker "+name, "--credentials FILE", "--reveal") {
			if !strings.Contains(help.String(), want) {
				t.Errorf("%s does not say %q:\n%s", name, want, &help)
			}
		}
	}
}

// fakeRun is `pushworker fake fcm` while it runs. The tests run one after the
// other, since building the command tree sets a variable of cobra.
type fakeRun struct {
	url    string
	stdout *bufio.Scanner
	stop   func() int // ends it and returns the exit code
}

func runFake(t *testing.T, args ...string) fakeRun {
	t.Helper()
	return runFakeAs(t, append([]string{"fake", "fcm", "--http", "127.0.0.1:0"}, args...))
}

func runFakeAs(t *testing.T, args []string) fakeRun {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	out, stdout := io.Pipe()
	errs, stderr := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, ours(), args, nil, nil, stdout, stderr)
		_ = stdout.Close()
		_ = stderr.Close()
	}()
	lines := bufio.NewScanner(errs)
	if !lines.Scan() {
		t.Fatal("it says nothing")
	}
	_, rest, _ := strings.Cut(lines.Text(), "fake FCM at ")
	url, _, found := strings.Cut(rest, ";")
	if !found {
		t.Fatalf("it says %q, want where it is", lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, errs) }()
	return fakeRun{url, bufio.NewScanner(out), func() int {
		cancel()
		select {
		case c := <-code:
			return c
		case <-time.After(patience):
			t.Fatal("it does not end")
			return 0
		}
	}}
}

func TestFakeFCMShowsAPushThatArrives(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fake.json")
	fake := runFake(t, "--credentials", file, "--project", "mine", "--any-token", "--reveal")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var account struct {
		Project string `json:"project_id"`
		URI     string `json:"token_uri"`
	}
	if err := json.Unmarshal(text, &account); err != nil || account.Project != "mine" || account.URI != fake.url+"/token" {
		t.Errorf("%v, the service account is %+v", err, account)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, the key can be read by others", err)
	}
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fake.url+"/v1/projects/mine/messages:send",
			strings.NewReader(`{"message":{"token":"my-token"}}`))
		if err != nil {
			return
		}
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", "application/json")
		if answer, err := http.DefaultClient.Do(r); err == nil {
			_ = answer.Body.Close()
		}
	}()
	if !fake.stdout.Scan() || !strings.Contains(fake.stdout.Text(), `"target":"my-token"`) {
		t.Errorf("it prints %q, want the push", fake.stdout.Text())
	}
	if code := fake.stop(); code != app.ExitOK {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestFakeFCMWritesItsCertificate(t *testing.T) {
	for scheme, args := range map[string][]string{
		"https://":           {"fake", "fcm", "--tls", "127.0.0.1:0", "--ca"},
		"http://":            {"fake", "fcm", "--http", "127.0.0.1:0", "--tls", "127.0.0.1:0", "--ca"}, // both
		"https://127.0.0.1:": {"fakefcm", "--addr", "127.0.0.1:0", "--tls", "--ca-out"},
	} {
		file := filepath.Join(t.TempDir(), "ca.pem")
		fake := runFakeAs(t, append(args, file))
		text, err := os.ReadFile(file)
		if err != nil || !bytes.HasPrefix(text, []byte("-----BEGIN CERTIFICATE-----")) || !strings.HasPrefix(fake.url, scheme) {
			t.Errorf("%v: %v: %q at %s", args, err, text, fake.url)
		}
		if code := fake.stop(); code != app.ExitOK {
			t.Errorf("%v: exit code %d, want 0", args, code)
		}
	}
}

func TestFakeFCMRefuses(t *testing.T) {
	wrong := filepath.Join(t.TempDir(), "wrong.json")
	if err := os.WriteFile(wrong, []byte(`{"rules":[{"answer":"x"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"--script", wrong}, app.ExitData, `no answer "x"`},
		{[]string{"--script", wrong + "-not"}, app.ExitData, "no such file"},
		{[]string{"--ca-out", "x"}, app.ExitUsage, "--ca-out needs --tls"},
		{[]string{"--cert", "x"}, app.ExitUsage, "give both files"},
		{[]string{"--addr", "nowhere"}, app.ExitUsage, "write host:port"},
	} {
		var stderr bytes.Buffer
		code := cli.Run(t.Context(), ours(), append([]string{"fakefcm", "--addr", "127.0.0.1:0"}, c.args...), nil, nil, io.Discard, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.text) {
			t.Errorf("%v: exit code %d, %q", c.args, code, stderr.String())
		}
	}
}
