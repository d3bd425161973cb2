package config_test

import (
	"regexp"
	"testing"

	"github.com/pushworker/pushworker/config"
)

// handlers is the variable with one handler fcm.
func handlers(conf string) string {
	return `PUSHWORKER_HANDLERS=[{"name":"fcm","config":` + conf + `}]`
}

// TestHashTellsConfigurationsApart: what is written in another way, is secret or a
// process's own has the same hash; another setting has another.
func TestHashTellsConfigurationsApart(t *testing.T) {
	t.Parallel()
	base := []string{handlers(`{"enabled":true,"credentials":{"project_id":"p","private_key":"one"},"time_to_live":60}`)}
	hash := mustLoad(t, base, nil).Hash()
	if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(hash) {
		t.Errorf("hash is %q", hash)
	}
	inFile := write(t, "handlers.json", `[ /* ours */ {"type":"fcm", "name":"fcm", "config":{"TIME_TO_LIVE":60,
		"credentials":{"private_key":"two","project_id":"p"},"enabled":true,"_note":"see the runbook"}}, ]`)
	for name, environ := range map[string][]string{
		"written in another way":   {"PUSHWORKER_HANDLERS_FILE=" + inFile},
		"a default that is said":   append([]string{"PUSHWORKER_ACK_WAIT=1m"}, base...),
		"a secret":                 append([]string{"PUSHWORKER_ADMIN_TOKEN=hunter2", "PUSHWORKER_EMBEDDED_TOKEN="}, base...),
		"a process's own settings": append([]string{"PUSHWORKER_DATA_DIR=/x", "PUSHWORKER_ADMIN_ADDR=127.0.0.1:1", "PUSHWORKER_LOG_LEVEL=debug"}, base...),
	} {
		want := hash
		if name == "a secret" { // that there is one counts
			want = mustLoad(t, append([]string{"PUSHWORKER_ADMIN_TOKEN=another"}, base...), nil).Hash()
		}
		if got := mustLoad(t, environ, nil).Hash(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	some := func(streams string) string {
		return mustLoad(t, append([]string{"PUSHWORKER_NATS_URL=nats://b:4222", "PUSHWORKER_STREAMS=" + streams}, base...), nil).Hash()
	}
	if one, other := some("4:0"), some("4:1"); one != other || one == some("2") {
		t.Errorf("workers that take other streams: %s and %s", one, other)
	}
	seen := map[string]string{hash: "the first"}
	for name, environ := range map[string][]string{
		"defaults":           nil,
		"another variable":   append([]string{"PUSHWORKER_ACK_WAIT=30s"}, base...),
		"another broker":     append([]string{"PUSHWORKER_NATS_URL=nats://u:p@b:4222"}, base...),
		"another project":    {handlers(`{"enabled":true,"credentials":{"project_id":"q","private_key":"one"},"time_to_live":60}`)},
		"another number":     {handlers(`{"enabled":true,"credentials":{"project_id":"p","private_key":"one"},"time_to_live":61}`)},
		"another switch":     {handlers(`{"enabled":true,"dry_run":true,"credentials":{"project_id":"p","private_key":"one"},"time_to_live":60}`)},
		"another server":     {handlers(`{"enabled":true,"endpoint":"http://a/secret","time_to_live":60}`)},
		"and another server": {handlers(`{"enabled":true,"endpoint":"http://b/secret","time_to_live":60}`)},
	} {
		got := mustLoad(t, environ, nil).Hash()
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[got] = name
	}
}

// TestHashHasNoSecrets: texts that may be secret make no difference, under whichever key
// they stand.
func TestHashHasNoSecrets(t *testing.T) {
	t.Parallel()
	hash := func(secret string) string {
		return mustLoad(t, []string{
			"PUSHWORKER_NATS_URL=nats://me:" + secret + "@host:4222", "PUSHWORKER_ADMIN_TOKEN=" + secret,
			"PUSHWORKER_DIRECTORY=postgres://me:" + secret + "@host/chat", "PUSHWORKER_DIRECTORY_QUERIES=../deploy/directory/tinode.sql",
			handlers(`{"enabled":true,"anything":"` + secret + `","secrets":["` + secret + `"],"deep":{"key":"` + secret + `"},"url":"https://u:` + secret + `@host/` + secret + `"}`),
		}, nil).Hash()
	}
	if one, two := hash("hunter2"), hash("hunter3"); one != two {
		t.Errorf("a secret is in the hash: %s, %s", one, two)
	}
}

// TestHashOfNothing: a handler without a config has a hash, too.
func TestHashOfNothing(t *testing.T) {
	t.Parallel()
	c := &config.Config{Handlers: config.HandlerList{{Name: "a"}, {Name: "b", Config: []byte("null")}}}
	if got := c.Hash(); got == "" {
		t.Error("no hash")
	}
}
