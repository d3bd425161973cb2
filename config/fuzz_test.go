package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/config"
)

// FuzzLoad loads an arbitrary environment, one variable a line without the
// prefix. Load must not panic, must say for every fault which variable it is and
// what to do, on one printable line, and must not show a secret; what it accepts
// must keep the rules that the rooms rely on.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"NATS_URL=nats://a:b@c,d", "ACK_WAIT=5s\nRETRY_BASE=1h", "MAX_BYTES=8GiB\nMAX_RECEIPT_BYTES=1",
		`HANDLERS=[{"name":"a","config":{}},{"name":"a"}]`, "STRICT_ENV=1\nX=y", "SUBJECT=push.é\nSTREAM=a-b", "ADMIN_ADDR=[::]:0", "=\n=x\nREPLICAS=0x1",
	} {
		f.Add(seed, "ADMIN_ADDR=:1")
	}
	f.Fuzz(func(t *testing.T, env, flag string) {
		environ := []string{"PUSHWORKER_ADMIN_TOKEN=" + secret}
		for line := range strings.Lines(env) {
			if name, value, ok := fuzzed(line); ok {
				environ = append(environ, name+"="+value)
			}
		}
		flags := map[string]string{}
		if name, value, ok := fuzzed(flag); ok {
			flags[name] = value
		}
		c, err := config.Load(environ, flags)
		if err != nil {
			checkFaults(t, err)
			return
		}
		checkUsable(t, c)
	})
}

// fuzzed takes a line apart. Variables that name files are not the fuzzer's.
func fuzzed(line string) (name, value string, ok bool) {
	name, value, _ = strings.Cut(strings.TrimSuffix(line, "\n"), "=")
	return "PUSHWORKER_" + name, value, !strings.Contains(name, "FILE")
}

func checkUsable(t *testing.T, c *config.Config) {
	t.Helper()
	if c.AckWait <= 0 || c.MaxBytes < c.MaxReceiptBytes || c.Retry.Base > c.Retry.Cap || c.Replicas < 1 || c.ClientURL() == "" {
		t.Errorf("accepted %+v", c)
	}
	for _, s := range c.Effective() {
		if strings.Contains(s.Value, secret) {
			t.Errorf("a secret shows in %+v", s)
		}
	}
}

func checkFaults(t *testing.T, err error) {
	t.Helper()
	invalid, ok := errors.AsType[*config.InvalidError](err)
	if !ok || len(invalid.Faults) == 0 {
		t.Fatalf("Load: %v, want an InvalidError with faults", err)
	}
	for _, fault := range invalid.Faults {
		text := fault.String()
		if fault.Variable == "" || fault.Problem == "" || fault.Hint == "" || strings.ContainsAny(text, "\n\x1b\x00") || strings.Contains(text, secret) {
			t.Errorf("fault %+v", fault)
		}
	}
}
