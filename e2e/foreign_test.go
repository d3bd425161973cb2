package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/process"
)

// foreign runs a script of e2e/foreign, which sends with clients that others have
// written, and returns what it prints.
func foreign(t *testing.T, script string, env ...string) string {
	t.Helper()
	node := foreignNode(t)
	cmd := exec.CommandContext(t.Context(), node, script)
	cmd.Dir = "foreign"
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	var said strings.Builder
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, &said)
	}
	return string(text)
}

// foreignNode is what runs the scripts of e2e/foreign.
func foreignNode(t *testing.T) string {
	t.Helper()
	node := interpreter(t, "node")
	if _, err := os.Stat("foreign/node_modules"); err != nil {
		const install = "npm ci --prefix e2e/foreign --ignore-scripts"
		if os.Getenv("CI") != "" {
			t.Fatalf("the foreign clients are missing: .ci/run must run %s", install)
		}
		t.Skipf("the foreign clients are missing: run %s", install)
	}
	return node
}

// TestForeignClientsOfAPNs proves the fake APNs: two clients that others have written get
// from it what they would get from Apple.
func TestForeignClientsOfAPNs(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), address.For(t)
	script := `{"rules":[{"token":"dead*","answer":"unregistered"}]}`
	if err := os.WriteFile(filepath.Join(dir, "script.json"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	fake := start(t, process.Spec{Name: "apns", Dir: dir, Args: []string{
		binary, "fake", "apns", "--tls", addr, "--key", "fake.p8", "--ca", "ca.pem", "--script", "script.json",
	}})
	await(t, patience, "the fake listens", func() bool { return strings.Contains(fake.log(), "fake APNs at") })
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	token := func(begin string) string { return begin + strings.Repeat("1", 64-len(begin)) }
	text := foreign(t, "apns.mjs", "APNS_HOST="+host, "APNS_PORT="+port, "APNS_KEY="+filepath.Join(dir, "fake.p8"),
		"APNS_KEY_ID=FAKEKEY001", "APNS_TEAM_ID=FAKETEAM01", "APNS_TOPIC=com.example.app", "NODE_EXTRA_CA_CERTS="+filepath.Join(dir, "ca.pem"),
		fmt.Sprintf("APNS_TOKENS=%s,%s,%s", token("a"), token("dead"), token("5a")))
	type said struct {
		Status    int
		Reason    string
		Timestamp int64
	}
	var got map[string][]said
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for client, all := range got {
		for i := range all {
			if all[i].Reason == "Unregistered" && time.Since(time.UnixMilli(all[i].Timestamp)) > time.Minute {
				t.Errorf("%s: gone since %d", client, all[i].Timestamp)
			}
			all[i].Timestamp = 0
		}
		if diff := cmp.Diff([]said{{200, "", 0}, {410, "Unregistered", 0}, {400, "BadDeviceToken", 0}}, all); diff != "" {
			t.Errorf("%s was told (-want +got):\n%s", client, diff)
		}
	}
	if len(got) != 2 {
		t.Errorf("clients are %d, want 2", len(got))
	}
}
