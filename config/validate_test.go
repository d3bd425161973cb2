package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/config"
)

const secret = "hunter2-marker"

// badCase is a bad start: what is set, without the prefix, and every fault in
// full.
type badCase struct {
	name      string
	set, want []string
}

// badCases is the table. dir holds the files that writeFiles makes.
func badCases(dir string) []badCase {
	broker := "NATS_URL=nats://broker:4222"
	urlHint := "; write nats://host:4222, tls://host:4222, or several with commas between them"
	durationHint := "; write a number with a unit: 500ms, 30s, 10m, 72h, 3d"
	return []badCase{
		// The directory.
		{"directory of another kind", []string{"DIRECTORY=mysql://a:" + secret + "@b", "DIRECTORY_TTL=1h"}, []string{
			"DIRECTORY is neither kv, nats nor a URL of PostgreSQL; write for example postgres://pushworker:secret@db.example:5432/tinode, or postgres:///tinode?host=/run/postgresql for a socket",
			"DIRECTORY_TTL is 1h, more than 10m; set 10m or less",
		}},
		{"database without statements", []string{"DIRECTORY=postgres://a:" + secret + "@b/c", "DIRECTORY_UID_KEY=" + secret}, []string{
			"DIRECTORY names a database, and PUSHWORKER_DIRECTORY_QUERIES names no statements; set PUSHWORKER_DIRECTORY_QUERIES to a file such as deploy/directory/tinode.sql",
			"DIRECTORY_UID_KEY is not a key of 16 bytes in base64; copy uid_key from store_config in the chat server's tinode.conf",
		}},
		{"statements that are missing", []string{"DIRECTORY=postgres:///c?host=/run", "DIRECTORY_QUERIES=" + dir + "/one.sql"}, []string{
			"DIRECTORY_QUERIES has no statement with the name gone; write it below a line `-- name: gone`",
		}},
		{"statements of another name", []string{"DIRECTORY=postgres:///c?host=/run", "DIRECTORY_QUERIES=" + dir + "/two.sql"}, []string{
			`DIRECTORY_QUERIES has a statement with the name "delete"; name the two statements devices and gone`,
		}},
		{"statements nowhere", []string{"DIRECTORY=postgresql://h/c", "DIRECTORY_QUERIES=" + dir + "/no"}, []string{
			`DIRECTORY_QUERIES names a file that does not exist: "DIR/no"; check the path; a relative one starts at the working directory`,
		}},

		// The connection.
		{"URL of another kind", []string{"NATS_URL=http://a:" + secret + "@b"}, []string{"NATS_URL has a scheme other than nats, tls, ws and wss" + urlHint}},
		{"URL with an IPv6 address without brackets", []string{"NATS_URL=nats://::1:4222,::1,tls://fe80::1:4222,nats://[::1]:4222"}, []string{
			"NATS_URL has an IPv6 address without brackets; brackets are needed, as in nats://[::1]:4222" + urlHint,
			"NATS_URL has an IPv6 address without brackets; brackets are needed, as in nats://[::1]:4222" + urlHint,
			"NATS_URL has an IPv6 address without brackets; brackets are needed, as in nats://[::1]:4222" + urlHint,
		}},
		{"URL with a name in brackets", []string{"NATS_URL=nats://[broker]:4222"}, []string{"NATS_URL is not a URL" + urlHint}},
		{"URL without host", []string{"NATS_URL=nats://:4222"}, []string{"NATS_URL has a server without a host" + urlHint}},
		{"URL with a wild port", []string{"NATS_URL=nats://" + secret + "@b:99999"}, []string{"NATS_URL has a port that is not a number from 1 to 65535" + urlHint}},
		{"URL that is none", []string{"NATS_URL=nats://a:" + secret + "%zz@b"}, []string{"NATS_URL is not a URL" + urlHint}},
		{"list with a gap", []string{"NATS_URL=nats://a,,nats://b:0"}, []string{
			"NATS_URL has a server without a host" + urlHint,
			"NATS_URL has a port that is not a number from 1 to 65535" + urlHint,
		}},
		{"domain and prefix", []string{broker, "NATS_DOMAIN=hub", "NATS_API_PREFIX=hub.API"}, []string{"NATS_API_PREFIX is set beside PUSHWORKER_NATS_DOMAIN; keep one of the two"}},
		{"domain that is none", []string{broker, "NATS_DOMAIN=hub.API"}, []string{`NATS_DOMAIN is not the name of a domain: "hub.API"; use jetstream.domain of the server's configuration`}},
		{"prefix that is a wildcard", []string{broker, "NATS_API_PREFIX=$JS.hub.API.>"}, []string{
			`NATS_API_PREFIX is not a subject: "$JS.hub.API.>"; use what the import gives for $JS.API.>, without .> at its end, such as hub.API`,
		}},
		{"user without password", []string{broker, "NATS_USER=me"}, []string{"NATS_USER is set without a password; set PUSHWORKER_NATS_PASSWORD or PUSHWORKER_NATS_PASSWORD_FILE"}},
		{"password without user", []string{broker, "NATS_PASSWORD=" + secret}, []string{"NATS_PASSWORD is set without a user; set PUSHWORKER_NATS_USER"}},
		{"two logins", []string{broker, "NATS_USER=me", "NATS_PASSWORD=" + secret, "NATS_TOKEN=" + secret}, []string{
			"NATS_TOKEN is a second way to log in, beside PUSHWORKER_NATS_USER; keep one of the two",
		}},
		{"login in URL and beside it", []string{"NATS_URL=nats://" + secret + "@b", "NATS_TOKEN_FILE=" + dir + "/token"}, []string{
			"NATS_TOKEN_FILE is a second way to log in, beside PUSHWORKER_NATS_URL; keep one of the two",
		}},
		{"certificate without key", []string{broker, "NATS_CERT_FILE=" + dir + "/token"}, []string{"NATS_CERT_FILE is set without its key; set PUSHWORKER_NATS_KEY_FILE"}},
		{"key without certificate", []string{broker, "NATS_KEY_FILE=" + dir + "/token"}, []string{"NATS_KEY_FILE is set without its certificate; set PUSHWORKER_NATS_CERT_FILE"}},
		{"missing files", []string{broker, "NATS_CREDS_FILE=" + dir + "/no", "NATS_CA_FILE=" + dir}, []string{
			`NATS_CREDS_FILE names a file that does not exist: "DIR/no"; check the path; a relative one starts at the working directory`,
			`NATS_CA_FILE names a directory: "DIR"; name the file in it`,
		}},

		// Values from files.
		{"missing secret file", []string{"ADMIN_TOKEN_FILE=" + dir + "/no"}, []string{`ADMIN_TOKEN_FILE names a file that does not exist: "DIR/no"; check the path; a relative one starts at the working directory`}},
		{"empty secret file", []string{"ADMIN_TOKEN_FILE=" + dir + "/empty"}, []string{`ADMIN_TOKEN_FILE names an empty file: "DIR/empty"; write the value into it`}},
		{"big secret file", []string{"ADMIN_TOKEN_FILE=" + dir + "/big"}, []string{`ADMIN_TOKEN_FILE names a file of more than 1 MiB: "DIR/big"; check that it is the right file`}},
		{"directory as secret file", []string{"ADMIN_TOKEN_FILE=" + dir}, []string{`ADMIN_TOKEN_FILE names a file that cannot be read: "DIR"; check that it is a file and not a directory`}},
		{"secret twice", []string{"ADMIN_TOKEN=" + secret, "ADMIN_TOKEN_FILE=" + dir + "/token"}, []string{"ADMIN_TOKEN is set and PUSHWORKER_ADMIN_TOKEN_FILE is set too; keep one of the two"}},
		{"handlers twice", []string{"HANDLERS=[]", "HANDLERS_FILE=" + dir + "/token"}, []string{"HANDLERS is set and PUSHWORKER_HANDLERS_FILE is set too; keep one of the two"}},
		{"handlers file of another shape", []string{"HANDLERS_FILE=" + dir + "/bad.json"}, []string{`HANDLERS_FILE is not a JSON array; write [{"name":"stdout","config":{"enabled":true}}]`}},

		// The embedded broker.
		{"embedded address without port", []string{"EMBEDDED_ADDR=localhost"}, []string{`EMBEDDED_ADDR is not host:port: "localhost"; write for example 127.0.0.1:4222`}},
		{"embedded address with scheme", []string{"EMBEDDED_ADDR=nats://localhost:4222"}, []string{`EMBEDDED_ADDR is not host:port: "nats://localhost:4222"; write for example 127.0.0.1:4222`}},
		{"embedded for everybody", []string{"EMBEDDED_ADDR=0.0.0.0:4222"}, []string{
			exposed,
		}},
		{"embedded for everybody with a token only", []string{"EMBEDDED_ADDR=0.0.0.0:4222", "EMBEDDED_TOKEN=" + secret}, []string{exposed}},
		{"embedded for everybody with TLS only", []string{"EMBEDDED_ADDR=0.0.0.0:4222", "EMBEDDED_CERT_FILE=" + dir + "/token", "EMBEDDED_KEY_FILE=" + dir + "/token"}, []string{exposed}},
		{"embedded certificate without key", []string{"EMBEDDED_CERT_FILE=" + dir + "/token"}, []string{"EMBEDDED_CERT_FILE is set without its key; set PUSHWORKER_EMBEDDED_KEY_FILE"}},
		{"embedded key without certificate", []string{"EMBEDDED_KEY_FILE=" + dir + "/token"}, []string{"EMBEDDED_KEY_FILE is set without its certificate; set PUSHWORKER_EMBEDDED_CERT_FILE"}},
		{"embedded for everybody by name", []string{"EMBEDDED_ADDR=worker-1:4222", "EMBEDDED_INSECURE=no"}, []string{`EMBEDDED_INSECURE is neither true nor false: "no"; write true or false`}},
		{"sync", []string{"EMBEDDED_SYNC=never"}, []string{`EMBEDDED_SYNC is "never"; use interval or always`}},
		{"embedded replicas", []string{"REPLICAS=3"}, []string{"REPLICAS is 3, but the embedded broker is a single server; set PUSHWORKER_NATS_URL, or leave it at 1"}},
		{"file as data directory", []string{"DATA_DIR=" + dir + "/token"}, []string{`DATA_DIR names a file: "DIR/token"; name a directory; it is made when it is missing`}},

		// Streams.
		{"stream name", []string{"STREAM=push.receipts"}, []string{`STREAM is not a valid stream name: "push.receipts"; use up to 64 letters, digits, - and _`}},
		{"subject with wildcard", []string{"SUBJECT=push.>"}, []string{`SUBJECT is not a valid subject: "push.>"; use words with dots between them, without spaces, * and >, and without $ in front`}},
		{"subject with gap", []string{"SUBJECT=push..receipts"}, []string{`SUBJECT is not a valid subject: "push..receipts"; use words with dots between them, without spaces, * and >, and without $ in front`}},
		{"subject of the broker", []string{"SUBJECT=$JS.x"}, []string{`SUBJECT is not a valid subject: "$JS.x"; use words with dots between them, without spaces, * and >, and without $ in front`}},
		{"subject of our own", []string{"SUBJECT=push.retry.x"}, []string{"SUBJECT overlaps push.retry, which pushworker uses itself; use a subject of its own, such as push.receipts"}},
		{"replicas", []string{broker, "REPLICAS=6"}, []string{"REPLICAS is 6, more than 5; set 5 or less"}},
		{"no replicas", []string{broker, "REPLICAS=0"}, []string{"REPLICAS is 0, less than 1; set 1 or more"}},
		{"half a replica", []string{broker, "REPLICAS=1.5"}, []string{`REPLICAS is not a whole number: "1.5"; write digits only`}},
		{"history without unit", []string{"HISTORY=72"}, []string{`HISTORY is not a duration: "72"` + durationHint}},
		{"short history", []string{"HISTORY=30s", "DEAD_MAX_AGE=-1h"}, []string{"HISTORY is 30s, less than 1m; set 1m or more", "DEAD_MAX_AGE is -1h, less than 1m; set 1m or more"}},
		{"size", []string{"MAX_BYTES=8 gigs"}, []string{`MAX_BYTES is not a size: "8 gigs"; write a whole number of bytes, or one with a unit such as 512MiB or 8GiB`}},
		{"negative size", []string{"DEAD_MAX_BYTES=-1"}, []string{`DEAD_MAX_BYTES is not a size: "-1"; write a whole number of bytes, or one with a unit such as 512MiB or 8GiB`}},
		{"enormous size", []string{"RETRY_MAX_BYTES=9000000TiB"}, []string{`RETRY_MAX_BYTES is too large a size: "9000000TiB"; the most is 8388607TiB`}},
		{"stream too small for a receipt", []string{"MAX_BYTES=1MB", "MAX_RECEIPT_BYTES=1MiB"}, []string{"MAX_BYTES is 1MB, which cannot hold a receipt of PUSHWORKER_MAX_RECEIPT_BYTES; set 1MiB or more"}},
		{"truth", []string{"PROVISION=yes", "PPROF=on"}, []string{`PROVISION is neither true nor false: "yes"; write true or false`, `PPROF is neither true nor false: "on"; write true or false`}},

		// Receipts.
		{"receipt size", []string{"MAX_RECEIPT_BYTES=65MiB"}, []string{"MAX_RECEIPT_BYTES is 65MiB, more than 64MiB; set 64MiB or less"}},
		{"receipt limits of nothing", []string{"MAX_RECEIPT_BYTES=0", "MAX_KEYS=0", "MAX_DEPTH=2"}, []string{
			"MAX_RECEIPT_BYTES is 0, less than 1; set 1 or more", "MAX_KEYS is 0, less than 1; set 1 or more", "MAX_DEPTH is 2, less than 8; set 8 or more",
		}},
		{"depth", []string{"MAX_DEPTH=20000"}, []string{"MAX_DEPTH is 20000, more than 10000; set 10000 or less"}},

		// Handlers.
		{"handlers that are no JSON", []string{"HANDLERS=[{\"name\":\"stdout\",\n \"config\":{\"k\":\"" + secret + "\"]}]"}, []string{
			"HANDLERS is not valid JSON at line 2, column 32; look for a missing quote, a comma too many or too few, or text after the array",
		}},
		{"handlers and more", []string{"HANDLERS=[] x"}, []string{"HANDLERS is not valid JSON at line 1, column 4; look for a missing quote, a comma too many or too few, or text after the array"}},
		{"handlers that are an object", []string{`HANDLERS={"stdout":"` + secret + `"}`}, []string{`HANDLERS is not a JSON array; write [{"name":"stdout","config":{"enabled":true}}]`}},
		{"handler entries", []string{`HANDLERS=[{"name":"a"},{"name":"a"},{"name":"b","enabled":true,"` + "\x7f" + `":1},{"name":"` + secret + ` x"},{"config":{}},"` + secret + `",null]`}, []string{
			"HANDLERS entry 2 (a): has the same name as an earlier entry; remove one of the two, or rename it",
			`HANDLERS entry 3 (b): has the key "enabled"; an entry has "name", "type", "start" and "config"; put the handler's settings under "config"`,
			`HANDLERS entry 3 (b): has the key "\x7f"; an entry has "name", "type", "start" and "config"; put the handler's settings under "config"`,
			`HANDLERS entry 4: has no usable "name"; use 1 to 32 letters, digits, - and _`,
			`HANDLERS entry 5: has no usable "name"; use 1 to 32 letters, digits, - and _`,
			`HANDLERS entry 6: is not an object; write {"name":"stdout","config":{"enabled":true}}`,
			`HANDLERS entry 7: is not an object; write {"name":"stdout","config":{"enabled":true}}`,
		}},
		{"a type that is none", []string{`HANDLERS=[{"name":"a","type":"b c"},{"name":"d","type":1},{"name":"e","type":"f"}]`}, []string{
			`HANDLERS entry 1 (a): has an unknown "type"; name a handler such as fcm, or leave it out if the name is that`,
			`HANDLERS entry 2 (d): has an unknown "type"; name a handler such as fcm, or leave it out if the name is that`,
		}},
		{"starts that are none", []string{`HANDLERS=[{"name":"a","start":"now"},{"name":"b","start":1},{"name":"c","start":""},{"name":"d","start":"new"},{"name":"e","Start":"2026-12-01T08:00:00Z"}]`}, []string{
			`HANDLERS entry 1 (a): has an unknown "start"; write "new", "oldest" or a time such as "2026-12-01T08:00:00Z"`,
			`HANDLERS entry 2 (b): has an unknown "start"; write "new", "oldest" or a time such as "2026-12-01T08:00:00Z"`,
			`HANDLERS entry 3 (c): has an unknown "start"; write "new", "oldest" or a time such as "2026-12-01T08:00:00Z"`,
		}},
		{"handlers' common keys", []string{`HANDLERS=[{"name":"a","config":{"enabled":"` + secret + `","retry":{"max_attempts":-1}}},{"name":"b","config":"` + secret + `"},{"nam":"c"}]`}, []string{
			`HANDLERS entry 1 (a): key "enabled" is a JSON string: want true or false; correct it under "config"`,
			`HANDLERS entry 1 (a): key "retry.max_attempts" is negative: leave it out for the default; correct it under "config"`,
			`HANDLERS entry 2 (b): config is not usable: a JSON string: want a JSON object; correct it under "config"`,
			`HANDLERS entry 3: has the key "nam"; an entry has "name", "type", "start" and "config"; put the handler's settings under "config"`,
			`HANDLERS entry 3: has no usable "name"; use 1 to 32 letters, digits, - and _`,
		}},
		{"no handler enabled", []string{`HANDLERS=[{"name":"a","config":{"enabled":false}}]`}, []string{`HANDLERS enables no handler; set "enabled": true under "config" of one, or leave the variable out for stdout`}},
		{"no handler", []string{"HANDLERS=[]"}, []string{`HANDLERS enables no handler; set "enabled": true under "config" of one, or leave the variable out for stdout`}},
		{"no list", []string{"HANDLERS=null"}, []string{`HANDLERS enables no handler; set "enabled": true under "config" of one, or leave the variable out for stdout`}},
		{"handlers' retries beside the common ones", []string{`HANDLERS=[{"name":"a","config":{"retry":{"base":"20m"}}},{"name":"b","config":{"retry":{"max_age":"5m"}}},{"name":"c","config":{"retry":{"base":"20m","cap":"1h"}}}]`}, []string{
			`HANDLERS entry 1 (a): retries start at 20m, above their cap of 10m; change it, or set the others too, under "retry"`,
			`HANDLERS entry 2 (b): retries have a cap of 10m, above their greatest age of 5m; change it, or set the others too, under "retry"`,
		}},

		// Time.
		{"retry order", []string{"RETRY_BASE=20m", "RETRY_MAX_AGE=5m"}, []string{
			"RETRY_BASE is 20m, more than PUSHWORKER_RETRY_CAP (10m); lower it, or raise PUSHWORKER_RETRY_CAP",
			"RETRY_CAP is 10m, more than PUSHWORKER_RETRY_MAX_AGE (5m); lower it, or raise PUSHWORKER_RETRY_MAX_AGE",
		}},
		{"no rule judges a value that nobody wrote", []string{"RETRY_BASE=20m", "RETRY_CAP=1x"}, []string{`RETRY_CAP is not a duration: "1x"` + durationHint}},
		{"retry limits", []string{"RETRY_BASE=0", "RETRY_MAX_ATTEMPTS=0"}, []string{"RETRY_BASE is 0s, less than 1ms; set 1ms or more", "RETRY_MAX_ATTEMPTS is 0, less than 1; set 1 or more"}},
		{"ack wait", []string{"ACK_WAIT=500ms"}, []string{"ACK_WAIT is 500ms, less than 1s; set 1s or more"}},
		{"grace", []string{"SHUTDOWN_GRACE=-1s"}, []string{"SHUTDOWN_GRACE is -1s, less than 0s; set 0s or more"}},
		{"overlong value", []string{"ACK_WAIT=" + strings.Repeat("9", 100) + "\n\x1b"}, []string{`ACK_WAIT is not a duration: "` + strings.Repeat("9", 64) + `"…` + durationHint}},

		// Admin and log.
		{"admin address", []string{"ADMIN_ADDR=127.0.0.1:http"}, []string{`ADMIN_ADDR is not host:port: "127.0.0.1:http"; write for example 127.0.0.1:9464`}},
		{"one address for two", []string{"ADMIN_ADDR=127.0.0.1:4222"}, []string{"ADMIN_ADDR is the same as PUSHWORKER_EMBEDDED_ADDR; give one of the two another port"}},
		{"events", []string{"EVENTS=some"}, []string{`EVENTS is "some"; use off, failures or all`}},
		{"log", []string{"LOG_LEVEL=INFO", "LOG_FORMAT=\x1b[31m"}, []string{`LOG_LEVEL is "INFO"; use trace, debug, info, warn or error`, `LOG_FORMAT is "\x1b[31m"; use auto, console or json`}},
		{"typo in strict mode", []string{"STRICT_ENV=true", "LOGLEVEL=debug"}, []string{"LOGLEVEL is not a variable of pushworker; did you mean PUSHWORKER_LOG_LEVEL?"}},
		{"NUL", []string{"STREAM=a\x00b"}, []string{`STREAM contains a NUL byte: "a\x00b"; remove it`}},
		{"everything at once", []string{"NATS_URL=x://" + secret, "REPLICAS=x", "MAX_BYTES=x", "HANDLERS=x", "ACK_WAIT=x", "LOG_LEVEL=x", "STRICT_ENV=true", "X=x"}, []string{
			"NATS_URL has a scheme other than nats, tls, ws and wss" + urlHint,
			`REPLICAS is not a whole number: "x"; write digits only`,
			`MAX_BYTES is not a size: "x"; write a whole number of bytes, or one with a unit such as 512MiB or 8GiB`,
			"HANDLERS is not valid JSON at line 1, column 1; look for a missing quote, a comma too many or too few, or text after the array",
			`ACK_WAIT is not a duration: "x"` + durationHint,
			`LOG_LEVEL is "x"; use trace, debug, info, warn or error`,
			"X is not a variable of pushworker; remove it; `pushworker config docs` lists the variables",
		}},
	}
}

// writeFiles makes the files that badCases names.
func writeFiles(t *testing.T, dir string) {
	t.Helper()
	for name, content := range map[string]string{
		"empty": " \n", "big": strings.Repeat("x", 1<<20+1), "token": secret, "bad.json": `{"name":"` + secret + `"}`,
		"one.sql": "-- a comment\n-- name: devices\nSELECT 1;\n", "two.sql": "-- name: devices\nSELECT 1\n-- name: delete\nDELETE",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const exposed = "EMBEDDED_ADDR can be reached by other machines; listen on 127.0.0.1, or set PUSHWORKER_EMBEDDED_TOKEN with PUSHWORKER_EMBEDDED_CERT_FILE and PUSHWORKER_EMBEDDED_KEY_FILE, " +
	"or accept it with PUSHWORKER_EMBEDDED_INSECURE=true"

func TestBadConfigurations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir)
	cases := badCases(dir)
	if len(cases) < 40 {
		t.Errorf("%d cases, want at least 40", len(cases))
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := faults(t, prefixed(tc.set), nil)
			for i, line := range got {
				got[i] = strings.ReplaceAll(strings.TrimPrefix(line, "PUSHWORKER_"), dir, "DIR")
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if text := strings.Join(got, "\n"); strings.Contains(text, secret) {
				t.Errorf("a secret shows in:\n%s", text)
			}
		})
	}
}

func prefixed(set []string) []string {
	environ := make([]string, len(set))
	for i, s := range set {
		environ[i] = "PUSHWORKER_" + s
	}
	return environ
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ set, want []string }{
		"admin for everybody":            {[]string{"ADMIN_ADDR=:9464"}, []string{"PUSHWORKER_ADMIN_ADDR can be reached by other machines, so everything but health and metrics is refused there; set PUSHWORKER_ADMIN_TOKEN, or listen on 127.0.0.1"}},
		"admin for holders of the token": {[]string{"ADMIN_ADDR=:9464", "ADMIN_TOKEN=" + secret}, nil},
		"admin on loopback":              {[]string{"ADMIN_ADDR=[::1]:9464"}, nil},
		"open embedded broker":           {[]string{"EMBEDDED_ADDR=0.0.0.0:4222", "EMBEDDED_INSECURE=true"}, []string{"PUSHWORKER_EMBEDDED_INSECURE lets everyone who reaches 0.0.0.0:4222 read and publish receipts, or listen in; keep the address behind a firewall"}},
		"embedded address not in use":    {[]string{"EMBEDDED_ADDR=0.0.0.0:4222", "NATS_URL=nats://b", "REPLICAS=3", "ADMIN_ADDR=127.0.0.1:0"}, nil},
		"values that mean the default": {[]string{`HANDLERS=[{"name":"a","config":{"buffer":-1,"Timeout":0}}]`}, []string{
			`PUSHWORKER_HANDLERS entry 1 (a): "timeout" is 0, which means the default, 30s, and not that there is none; leave it out, or set how long a receipt may take`,
			`PUSHWORKER_HANDLERS entry 1 (a): "buffer" is negative, which means the default; leave it out, or set how many receipts may wait`,
		}},
		"handler enabled by being there": {[]string{`HANDLERS=[{"Name":"a","_why":"so"}]`}, nil},
		"login without a broker":         {[]string{"NATS_TOKEN=" + secret}, []string{"PUSHWORKER_NATS_TOKEN is not used: it is for a broker that PUSHWORKER_NATS_URL names; set PUSHWORKER_NATS_URL, or use PUSHWORKER_EMBEDDED_TOKEN"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, w := range mustLoad(t, prefixed(tc.set), nil).Warnings() {
				got = append(got, w.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInvalidErrorCarriesWarnings(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{"PUSHWORKER_SREAM=x", "PUSHWORKER_ACK_WAIT=0"}, nil)
	want := &config.InvalidError{
		Faults:   []config.Fault{{Variable: "PUSHWORKER_ACK_WAIT", Problem: "is 0s, less than 1s", Hint: "set 1s or more"}},
		Warnings: []config.Fault{{Variable: "PUSHWORKER_SREAM", Problem: "is not a variable of pushworker", Hint: "did you mean PUSHWORKER_STREAM?"}},
	}
	if diff := cmp.Diff(error(want), err, cmpopts.IgnoreFields(config.InvalidError{}, "Handlers", "config")); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	text := "configuration is not usable; correct these and start again:\n  PUSHWORKER_ACK_WAIT is 0s, less than 1s; set 1s or more"
	if err.Error() != text {
		t.Errorf("text = %q, want %q", err.Error(), text)
	}
}

// What only a worker uses stops no other command.
func TestFaultsOfTheWorkerAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set    []string
		usable bool
	}{
		"a worker's":           {[]string{"RETRY_CAP=10", `HANDLERS=[{"nam":"a"}]`, "ACK_WAIT=0s"}, true},
		"everybody's":          {[]string{"STREAM=a.b"}, false},
		"both":                 {[]string{"RETRY_CAP=10", "LOG_LEVEL=loud"}, false},
		"an unknown, strictly": {[]string{"SREAM=x", "STRICT_ENV=true"}, false},
	} {
		_, err := config.Load(prefixed(append(tc.set, "SUBJECT=receipts")), nil)
		invalid, ok := errors.AsType[*config.InvalidError](err)
		if !ok {
			t.Fatalf("%s: %v", name, err)
		}
		c := invalid.ForCommand()
		if (c != nil) != tc.usable || c != nil && c.Subject != "receipts" {
			t.Errorf("%s: usable by other commands: %t, want %t", name, c != nil, tc.usable)
		}
	}
}
