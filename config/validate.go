package config

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pushworker/pushworker/pkg/push"
)

// validate checks every rule that the decoding of a single value does not.
func validate(c *Config, f *findings) {
	v := &validator{c, f}
	v.connection()
	v.embedded()
	v.topology()
	v.limits()
	v.retry()
	v.handlers()
	v.directory()
	v.admin()
	v.log()
}

func (v *validator) connection() {
	n := v.NATS
	v.require(n.User == "" || n.Password.IsSet(), "is set without a password", "set PUSHWORKER_NATS_PASSWORD or PUSHWORKER_NATS_PASSWORD_FILE", "NATS_USER", "NATS_PASSWORD")
	v.require(n.User != "" || !n.Password.IsSet(), "is set without a user", "set PUSHWORKER_NATS_USER", "NATS_PASSWORD")
	v.require(n.CertFile == "" || n.KeyFile != "", "is set without its key", "set PUSHWORKER_NATS_KEY_FILE", "NATS_CERT_FILE")
	v.require(n.CertFile != "" || n.KeyFile == "", "is set without its certificate", "set PUSHWORKER_NATS_CERT_FILE", "NATS_KEY_FILE")
	v.oneLogin([]login{
		{"NATS_URL", n.URL.hasUser()},
		{"NATS_USER", n.User != ""},
		{"NATS_TOKEN", n.Token.IsSet()},
		{"NATS_CREDS_FILE", n.CredsFile != ""},
		{"NATS_NKEY_FILE", n.NkeyFile != ""},
	})
	v.require(isInboxPrefix(n.InboxPrefix), "is not an inbox prefix: "+quote(n.InboxPrefix),
		"use _INBOX, or _INBOX_ with letters, digits, - and _ after it, such as _INBOX_worker", "NATS_INBOX_PREFIX")
	v.require(n.Domain == "" || n.APIPrefix == "", "is set beside PUSHWORKER_NATS_DOMAIN", "keep one of the two", "NATS_API_PREFIX")
	v.require(n.Domain == "" || isSubject(n.Domain) && !strings.Contains(n.Domain, "."), "is not the name of a domain: "+quote(n.Domain),
		"use jetstream.domain of the server's configuration", "NATS_DOMAIN")
	v.require(n.APIPrefix == "" || isSubject(strings.TrimPrefix(n.APIPrefix, "$")), "is not a subject: "+quote(n.APIPrefix),
		"use what the import gives for $JS.API.>, without .> at its end, such as hub.API", "NATS_API_PREFIX")
	v.warn(!v.embeds() || n.Domain+n.APIPrefix == "", "NATS_DOMAIN", "is not used, nor PUSHWORKER_NATS_API_PREFIX: they are for a broker that PUSHWORKER_NATS_URL names",
		"set PUSHWORKER_NATS_URL")
	v.file("NATS_CREDS_FILE", n.CredsFile)
	v.file("NATS_NKEY_FILE", n.NkeyFile)
	v.file("NATS_CA_FILE", n.CAFile)
	v.file("NATS_CERT_FILE", n.CertFile)
	v.file("NATS_KEY_FILE", n.KeyFile)
}

// isInboxPrefix reports whether s is one that workers answer to.
func isInboxPrefix(s string) bool {
	own, isOwn := strings.CutPrefix(s, "_INBOX_")
	return s == "_INBOX" || isOwn && own != "" && len(own) <= 64 && strings.Trim(own, nameRunes) == ""
}

// login is a way to authenticate, and whether it is set.
type login struct {
	name string
	set  bool
}

// oneLogin wants at most one way to authenticate, and an external broker to
// authenticate to.
func (v *validator) oneLogin(ways []login) {
	first := ""
	for _, way := range ways {
		if !way.set {
			continue
		}
		v.warn(!v.embeds(), way.name, "is not used: it is for a broker that PUSHWORKER_NATS_URL names",
			"set PUSHWORKER_NATS_URL, or use PUSHWORKER_EMBEDDED_TOKEN")
		v.require(first == "", "is a second way to log in, beside "+Prefix+"_"+first, "keep one of the two", way.name)
		first = cmp.Or(first, way.name)
	}
}

// file wants a readable file behind the path, if there is one.
func (v *validator) file(name, path string) {
	if path == "" {
		return
	}
	p := checkFile(path)
	v.require(p.what == "", p.what, p.hint, name)
}

// embeds is UsesEmbedded, and false if a fault hides the answer.
func (v *validator) embeds() bool { return v.UsesEmbedded() && !v.broken("NATS_URL") }

func (v *validator) embedded() {
	e := v.Embedded
	v.require(isAddress(e.Addr), "is not host:port: "+quote(e.Addr), "write for example 127.0.0.1:4222", "EMBEDDED_ADDR")
	v.oneOf("EMBEDDED_SYNC", e.Sync, "interval", "always")
	if !v.embeds() {
		return
	}
	v.require(e.CertFile == "" || e.KeyFile != "", "is set without its key", "set PUSHWORKER_EMBEDDED_KEY_FILE", "EMBEDDED_CERT_FILE")
	v.require(e.CertFile != "" || e.KeyFile == "", "is set without its certificate", "set PUSHWORKER_EMBEDDED_CERT_FILE", "EMBEDDED_KEY_FILE")
	v.file("EMBEDDED_CERT_FILE", e.CertFile)
	v.file("EMBEDDED_KEY_FILE", e.KeyFile)
	v.exposure()
	v.require(v.Replicas <= 1, "is "+strconv.Itoa(v.Replicas)+", but the embedded broker is a single server",
		"set PUSHWORKER_NATS_URL, or leave it at 1", "REPLICAS")
	info, err := os.Stat(v.DataDir)
	v.require(err != nil || info.IsDir(), "names a file: "+quote(v.DataDir), "name a directory; it is made when it is missing", "DATA_DIR")
}

// exposure wants a shield before an address that other machines can reach.
func (v *validator) exposure() {
	e := v.Embedded
	shielded := isLoopback(e.Addr) || e.Token.IsSet() && e.CertFile != ""
	v.require(shielded || e.Insecure, "can be reached by other machines",
		"listen on 127.0.0.1, or set PUSHWORKER_EMBEDDED_TOKEN with PUSHWORKER_EMBEDDED_CERT_FILE and PUSHWORKER_EMBEDDED_KEY_FILE, or accept it with PUSHWORKER_EMBEDDED_INSECURE=true",
		"EMBEDDED_ADDR", "EMBEDDED_INSECURE", "EMBEDDED_TOKEN", "EMBEDDED_CERT_FILE")
	v.warn(shielded || !e.Insecure, "EMBEDDED_INSECURE", "lets everyone who reaches "+e.Addr+" read and publish receipts, or listen in",
		"keep the address behind a firewall")
}

func (v *validator) topology() {
	v.require(isStreamName(v.Stream), "is not a valid stream name: "+quote(v.Stream),
		"use up to 64 letters, digits, - and _", "STREAM")
	v.require(isSubject(v.Subject), "is not a valid subject: "+quote(v.Subject),
		"use words with dots between them, without spaces, * and >, and without $ in front", "SUBJECT")
	for _, taken := range []string{"push.schedule", "push.retry", "push.dead", "push.devices", "push.directory", "push.events"} {
		v.require(!overlaps(v.Subject, taken), "overlaps "+taken+", which pushworker uses itself",
			"use a subject of its own, such as push.receipts", "SUBJECT")
	}
}

func isStreamName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, nameRunes) == ""
}

// isSubject reports whether s is a subject that one can publish to.
func isSubject(s string) bool {
	bad := func(r rune) bool {
		return r == '*' || r == '>' || r == unicode.ReplacementChar || unicode.IsSpace(r) || !unicode.IsPrint(r)
	}
	return len(s) <= 255 && !strings.HasPrefix(s, "$") && !strings.ContainsFunc(s, bad) &&
		!slices.Contains(strings.Split(s, "."), "")
}

// overlaps reports whether a subject with everything below it and another with
// everything below that have a subject in common.
func overlaps(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

func (v *validator) limits() {
	atLeast(v, "REPLICAS", v.Replicas, 1)
	atMost(v, "REPLICAS", v.Replicas, 5)
	atLeast(v, "HISTORY", v.History, time.Minute)
	atLeast(v, "DEAD_MAX_AGE", v.Dead.MaxAge, time.Minute)
	atLeast(v, "MAX_RECEIPT_BYTES", v.MaxReceiptBytes, 1)
	atMost(v, "MAX_RECEIPT_BYTES", v.MaxReceiptBytes, 64<<20)
	atLeast(v, "MAX_KEYS", v.MaxKeys, 1)
	atLeast(v, "MAX_RECIPIENTS", v.MaxRecipients, 1)
	atMost(v, "MAX_RECIPIENTS", v.MaxRecipients, 1_000_000)
	atLeast(v, "MAX_DEPTH", v.MaxDepth, 8)
	atMost(v, "MAX_DEPTH", v.MaxDepth, 10000)
	atLeast(v, "ACK_WAIT", v.AckWait, time.Second)
	atLeast(v, "SHUTDOWN_GRACE", v.ShutdownGrace, 0)
	atLeast(v, "LANE_MAX_BYTES", v.LaneMaxBytes, 1<<20)
	atLeast(v, "DEVICES_CACHE", v.DevicesCache, 1<<20)
	v.roomFor("MAX_BYTES", v.MaxBytes)
	v.roomFor("RETRY_MAX_BYTES", v.Retry.MaxBytes)
	v.roomFor("DEAD_MAX_BYTES", v.Dead.MaxBytes)
	v.oneOf("EVENTS", v.Events, "off", "failures", "all")
}

// roomFor wants a stream that a receipt of the greatest size fits into.
func (v *validator) roomFor(name string, size ByteSize) {
	v.require(size >= v.MaxReceiptBytes, "is "+size.String()+", which cannot hold a receipt of PUSHWORKER_MAX_RECEIPT_BYTES",
		"set "+v.MaxReceiptBytes.String()+" or more", name, "MAX_RECEIPT_BYTES")
}

func (v *validator) retry() {
	r := v.Retry
	atLeast(v, "RETRY_BASE", r.Base, time.Millisecond)
	atLeast(v, "RETRY_MAX_ATTEMPTS", r.MaxAttempts, 1)
	v.require(r.Base <= r.Cap, "is "+written(r.Base)+", more than PUSHWORKER_RETRY_CAP ("+written(r.Cap)+")",
		"lower it, or raise PUSHWORKER_RETRY_CAP", "RETRY_BASE", "RETRY_CAP")
	v.require(r.Cap <= r.MaxAge, "is "+written(r.Cap)+", more than PUSHWORKER_RETRY_MAX_AGE ("+written(r.MaxAge)+")",
		"lower it, or raise PUSHWORKER_RETRY_MAX_AGE", "RETRY_CAP", "RETRY_MAX_AGE")
}

// handlers checks what a handler's own retry policy and the common one make
// together.
func (v *validator) handlers() {
	var found []problem
	enabled := false
	for i, h := range v.Handlers {
		enabled = enabled || h.Common.Enabled
		for _, p := range standIns(h.Config) {
			v.warn(false, "HANDLERS", fmt.Sprintf("entry %d (%s): %s", i+1, h.Name, p.what), p.hint)
		}
		if what := v.retryOrder(h.Common.Retry); what != "" {
			found = append(found, problem{fmt.Sprintf("entry %d (%s): %s", i+1, h.Name, what), `change it, or set the others too, under "retry"`})
		}
	}
	if name := Prefix + "_HANDLERS"; len(found) > 0 {
		v.found.fault(name, v.sources[name], found...)
	}
	v.require(enabled, "enables no handler", `set "enabled": true under "config" of one, or leave the variable out for stdout`, "HANDLERS")
}

func (v *validator) retryOrder(own push.RetryConfig) string {
	base, limit, age := cmp.Or(own.Base, v.Retry.Base), cmp.Or(own.Cap, v.Retry.Cap), cmp.Or(own.MaxAge, v.Retry.MaxAge)
	switch {
	case own.Base == 0 && own.Cap == 0 && own.MaxAge == 0, v.broken("HANDLERS", "RETRY_BASE", "RETRY_CAP", "RETRY_MAX_AGE"):
		return ""
	case base > limit:
		return fmt.Sprintf("retries start at %s, above their cap of %s", written(base), written(limit))
	case limit > age:
		return fmt.Sprintf("retries have a cap of %s, above their greatest age of %s", written(limit), written(age))
	}
	return ""
}

func (v *validator) admin() {
	a := v.Admin
	v.require(isAddress(a.Addr), "is not host:port: "+quote(a.Addr), "write for example 127.0.0.1:9464", "ADMIN_ADDR")
	same := v.embeds() && a.Addr == v.Embedded.Addr && !strings.HasSuffix(a.Addr, ":0")
	v.require(!same, "is the same as PUSHWORKER_EMBEDDED_ADDR", "give one of the two another port", "ADMIN_ADDR", "EMBEDDED_ADDR")
	v.warn(a.Token.IsSet() || isLoopback(a.Addr), "ADMIN_ADDR", "can be reached by other machines, so everything but health and metrics is refused there",
		"set PUSHWORKER_ADMIN_TOKEN, or listen on 127.0.0.1")
}

func (v *validator) log() {
	v.oneOf("LOG_LEVEL", v.Log.Level, "trace", "debug", "info", "warn", "error")
	v.oneOf("LOG_FORMAT", v.Log.Format, "auto", "console", "json")
}
