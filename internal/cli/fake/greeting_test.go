package fake_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/fake"
)

// TestGreetingNamesNoMissingFile: the line for the worker is used as it is printed, so
// every file that it names is one that the fake wrote, or the next line says which flag
// writes it.
func TestGreetingNamesNoMissingFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		args  []string
		files map[string]string // what each flag writes
	}{
		{"fcm", []string{"--addr", "127.0.0.1:0"}, map[string]string{"--credentials": "fake.json"}},
		{"hms", []string{"--http", "127.0.0.1:0"}, map[string]string{"--credentials": "fake.json"}},
		{"apns", []string{"--tls", "127.0.0.1:0"}, map[string]string{"--key": "fake.p8", "--ca": "ca.pem"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args, dir := append([]string{c.name}, c.args...), t.TempDir()
			without := greeting(t, args...)
			for flag, file := range c.files {
				hint := "the worker needs " + file + ": start the fake with " + flag + " " + file + "\n"
				if !strings.Contains(without, hint) {
					t.Errorf("without %s the hint %q is missing:\n%s", flag, hint, without)
				}
				args = append(args, flag, filepath.Join(dir, file))
			}
			with := greeting(t, args...)
			if strings.Contains(with, "the worker needs") {
				t.Errorf("with all files:\n%s", with)
			}
			for _, file := range c.files {
				if !strings.Contains(with, filepath.Join(dir, file)) {
					t.Errorf("%s is not in the line for the worker:\n%s", file, with)
				}
			}
		})
	}
}

// greeting runs a fake until it has printed where it is.
func greeting(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said := &until{stop: stop}
	cmd := fake.New(&app.App{Stdout: &bytes.Buffer{}, Stderr: said})
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(ctx); err != nil {
		t.Fatal(err)
	}
	return said.text.String()
}

// until stops a command once it has written.
type until struct {
	text bytes.Buffer
	stop context.CancelFunc
}

func (u *until) Write(p []byte) (int, error) {
	u.stop()
	return u.text.Write(p)
}
