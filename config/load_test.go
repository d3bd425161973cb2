package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/config"
)

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, nil, nil)
	if !c.UsesEmbedded() || c.Stream != "PUSH" || c.Subject != "push.receipts" || c.History != 72*time.Hour ||
		c.MaxBytes != 8<<30 || !c.Provision || c.MaxReceiptBytes != 1_000_000 || c.AckWait != time.Minute {
		t.Errorf("defaults: %+v", c)
	}
	if len(c.Handlers) != 1 || c.Handlers[0].Name != "stdout" || string(c.Handlers[0].Config) != `{"enabled":true}` {
		t.Errorf("handlers: %v", c.Handlers)
	}
	if w := c.Warnings(); len(w) != 0 {
		t.Errorf("warnings: %v", w)
	}
}

func TestFlagWinsOverEnvironmentOverDefault(t *testing.T) {
	t.Parallel()
	environ := []string{"PUSHWORKER_STREAM=FROM_ENV", "PUSHWORKER_LOG_LEVEL=warn", "PUSHWORKER_DATA_DIR=from-env"}
	flags := map[string]string{"PUSHWORKER_LOG_LEVEL": "debug", "PUSHWORKER_DATA_DIR": ""}
	c := mustLoad(t, environ, flags)
	got := pickSettings(c, "STREAM", "LOG_LEVEL", "DATA_DIR", "LOG_FORMAT")
	want := []config.Setting{
		{Name: "PUSHWORKER_DATA_DIR", Value: "./pushworker-data", Source: config.FromFlag},
		{Name: "PUSHWORKER_STREAM", Value: "FROM_ENV", Source: config.FromEnv},
		{Name: "PUSHWORKER_LOG_LEVEL", Value: "debug", Source: config.FromFlag},
		{Name: "PUSHWORKER_LOG_FORMAT", Value: "auto", Source: config.FromDefault},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestFlagHidesFaultOfEnvironment(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, []string{"PUSHWORKER_ACK_WAIT=soon"}, map[string]string{"PUSHWORKER_ACK_WAIT": "5s"})
	if c.AckWait != 5*time.Second {
		t.Errorf("AckWait = %v", c.AckWait)
	}
}

func TestSecretFromFile(t *testing.T) {
	t.Parallel()
	path := write(t, "token", "s3cret\r\n")
	c := mustLoad(t, []string{"PUSHWORKER_ADMIN_TOKEN_FILE=" + path}, nil)
	if got := c.Admin.Token.Reveal(); got != "s3cret" {
		t.Errorf("token = %q", got)
	}
	want := []config.Setting{{Name: "PUSHWORKER_ADMIN_TOKEN", Value: "***", Source: config.FromFile, Path: path}}
	if diff := cmp.Diff(want, pickSettings(c, "ADMIN_TOKEN")); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestEmptySecretLeavesFileAlone(t *testing.T) {
	t.Parallel()
	path := write(t, "token", "s3cret")
	c := mustLoad(t, []string{"PUSHWORKER_ADMIN_TOKEN=", "PUSHWORKER_ADMIN_TOKEN_FILE=" + path}, nil)
	if got := c.Admin.Token.Reveal(); got != "s3cret" {
		t.Errorf("token = %q", got)
	}
}

func TestEverySecretHasFileTwin(t *testing.T) {
	t.Parallel()
	// Content of the file, and what else must be set.
	cases := map[string][]string{
		"PUSHWORKER_NATS_URL":          {"tls://a"},
		"PUSHWORKER_DIRECTORY":         {"postgres://u:" + secret + "@h/db?password=" + secret, "PUSHWORKER_DIRECTORY_QUERIES=../deploy/directory/tinode.sql"},
		"PUSHWORKER_DIRECTORY_UID_KEY": {"la6YsO+bNX/+XIkOqc5Svw==", "PUSHWORKER_DIRECTORY=postgres://h/db", "PUSHWORKER_DIRECTORY_QUERIES=../deploy/directory/tinode.sql"},
		"PUSHWORKER_NATS_PASSWORD":     {secret, "PUSHWORKER_NATS_URL=nats://h", "PUSHWORKER_NATS_USER=u"},
		"PUSHWORKER_NATS_TOKEN":        {secret, "PUSHWORKER_NATS_URL=nats://h"},
		"PUSHWORKER_EMBEDDED_TOKEN":    {secret},
		"PUSHWORKER_HANDLERS":          {`[{"name":"a"}]`},
		"PUSHWORKER_ADMIN_TOKEN":       {secret},
	}
	for _, v := range config.Variables() {
		set, ok := cases[v.Name]
		if ok != v.Secret {
			t.Errorf("%s: secret is %v; this test thinks otherwise", v.Name, v.Secret)
		}
		if !ok {
			continue
		}
		path := write(t, "value", set[0])
		c := mustLoad(t, append(set[1:], v.Name+"_FILE="+path), nil)
		for _, s := range pickSettings(c, strings.TrimPrefix(v.Name, "PUSHWORKER_")) {
			if s.Source != config.FromFile || s.Path != path || s.Value == "" || strings.Contains(s.Value, secret) {
				t.Errorf("%+v", s)
			}
		}
	}
}

func TestFileAndValueAreOneTooMany(t *testing.T) {
	t.Parallel()
	path := write(t, "token", "s3cret")
	got := faults(t, []string{"PUSHWORKER_ADMIN_TOKEN=other", "PUSHWORKER_ADMIN_TOKEN_FILE=" + path}, nil)
	want := []string{"PUSHWORKER_ADMIN_TOKEN is set and PUSHWORKER_ADMIN_TOKEN_FILE is set too; keep one of the two"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestHandlersFileFlagWinsOverHandlersInEnvironment(t *testing.T) {
	t.Parallel()
	path := write(t, "handlers.json", "[{\"name\": \"webhook\", \"config\": { \"enabled\" : true }}]\n")
	c := mustLoad(t, []string{`PUSHWORKER_HANDLERS=[{"name":"stdout"}]`}, map[string]string{"PUSHWORKER_HANDLERS_FILE": path})
	if len(c.Handlers) != 1 || c.Handlers[0].Name != "webhook" || string(c.Handlers[0].Config) != `{ "enabled" : true }` {
		t.Errorf("handlers: %v", c.Handlers)
	}
}

func TestUnknownFlagIsFault(t *testing.T) {
	t.Parallel()
	got := faults(t, nil, map[string]string{"PUSHWORKER_LOGLEVEL": "debug"})
	want := []string{"PUSHWORKER_LOGLEVEL is not a variable of pushworker; did you mean PUSHWORKER_LOG_LEVEL?"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// Load depends on its arguments alone, and leaves the process as it was.
func TestLoadReadsOnlyWhatItIsGiven(t *testing.T) {
	t.Setenv("PUSHWORKER_STREAM", "FROM_PROCESS")
	t.Setenv("PUSHWORKER_REPLICAS", "many")
	before := os.Environ()
	if c := mustLoad(t, nil, nil); c.Stream != "PUSH" || c.Replicas != 1 {
		t.Errorf("stream %q, replicas %d: taken from the process", c.Stream, c.Replicas)
	}
	mustLoad(t, []string{"PUSHWORKER_STREAM=GIVEN", "PUSHWORKER_NATS_TOKEN=s3cret", "PUSHWORKER_NATS_URL=nats://h"}, nil)
	faults(t, []string{"PUSHWORKER_ACK_WAIT=soon", "PUSHWORKER_MAX_KEYS=x"}, nil)
	after := os.Environ()
	slices.Sort(before)
	slices.Sort(after)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("Load changed the process environment (-before +after):\n%s", diff)
	}
}

func TestLoadOfProcessEnvironmentAgreesWithExplicitOne(t *testing.T) {
	environ := []string{
		"PUSHWORKER_STREAM=OTHER", "PUSHWORKER_REPLICAS=", "PUSHWORKER_MAX_BYTES=1GB",
		"PUSHWORKER_PROVISION=false", "PUSHWORKER_RETRY_CAP=20m",
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	want := mustLoad(t, environ, nil).Effective()
	if diff := cmp.Diff(want, mustLoad(t, os.Environ(), nil).Effective()); diff != "" {
		t.Errorf("settings (-explicit +process):\n%s", diff)
	}
}

func TestLoadsRunSideBySide(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			name := fmt.Sprintf("S%d", i)
			c, err := config.Load([]string{"PUSHWORKER_STREAM=" + name}, nil)
			if err != nil || c.Stream != name {
				t.Errorf("got %v, %v; want stream %s", c, err, name)
			}
		})
	}
	wg.Wait()
}

func TestClientURL(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		environ []string
		want    string
	}{
		"embedded":         {nil, "nats://127.0.0.1:4222"},
		"embedded for all": {[]string{"PUSHWORKER_EMBEDDED_ADDR=0.0.0.0:5222", "PUSHWORKER_EMBEDDED_INSECURE=true"}, "nats://127.0.0.1:5222"},
		"embedded v6":      {[]string{"PUSHWORKER_EMBEDDED_ADDR=[::1]:5222"}, "nats://[::1]:5222"},
		"embedded no host": {[]string{"PUSHWORKER_EMBEDDED_ADDR=:5222", "PUSHWORKER_EMBEDDED_INSECURE=1"}, "nats://127.0.0.1:5222"},
		"embedded token":   {[]string{"PUSHWORKER_EMBEDDED_TOKEN=t/k"}, "nats://t%2Fk@127.0.0.1:4222"},
		"embedded TLS":     {[]string{"PUSHWORKER_EMBEDDED_CERT_FILE=load_test.go", "PUSHWORKER_EMBEDDED_KEY_FILE=load_test.go"}, "tls://127.0.0.1:4222"},
		"without scheme":   {[]string{"PUSHWORKER_NATS_URL=a:1, b"}, "nats://a:1,nats://b"},
		"token":            {[]string{"PUSHWORKER_NATS_URL=nats://a,tls://b:2", "PUSHWORKER_NATS_TOKEN=t/k"}, "nats://t%2Fk@a,tls://t%2Fk@b:2"},
		"user":             {[]string{"PUSHWORKER_NATS_URL=wss://a/x", "PUSHWORKER_NATS_USER=u", "PUSHWORKER_NATS_PASSWORD=p@w"}, "wss://u:p%40w@a/x"},
		"user in URL":      {[]string{"PUSHWORKER_NATS_URL=nats://u:p@a"}, "nats://u:p@a"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustLoad(t, tc.environ, nil).ClientURL(); got != tc.want {
				t.Errorf("ClientURL() = %q, want %q", got, tc.want)
			}
		})
	}
}

func mustLoad(t *testing.T, environ []string, flags map[string]string) *config.Config {
	t.Helper()
	c, err := config.Load(environ, flags)
	if err != nil {
		t.Fatalf("Load(%q, %q): %v", environ, flags, err)
	}
	return c
}

// faults loads a configuration that must not be usable and returns its faults as
// text.
func faults(t *testing.T, environ []string, flags map[string]string) []string {
	t.Helper()
	c, err := config.Load(environ, flags)
	invalid, ok := errors.AsType[*config.InvalidError](err)
	if c != nil || !ok || len(invalid.Faults) == 0 {
		t.Fatalf("Load(%q, %q) = %v, %v; want an InvalidError with faults", environ, flags, c, err)
	}
	var texts []string
	for _, f := range invalid.Faults {
		texts = append(texts, f.String())
	}
	return texts
}

// pickSettings returns the settings with the given names, without the prefix.
func pickSettings(c *config.Config, names ...string) []config.Setting {
	return slices.DeleteFunc(c.Effective(), func(s config.Setting) bool {
		return !slices.Contains(names, strings.TrimPrefix(s.Name, "PUSHWORKER_"))
	})
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
