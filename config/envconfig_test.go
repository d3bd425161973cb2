package config_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kelseyhightower/envconfig"

	"github.com/pushworker/pushworker/config"
)

// The tests of this file are the traps of envconfig, one each.

func TestEmptyVariableDoesNotBeatDefault(t *testing.T) {
	t.Parallel()
	var environ []string
	for _, v := range config.Variables() {
		environ = append(environ, v.Name+"=")
	}
	c := mustLoad(t, environ, nil)
	if diff := cmp.Diff(mustLoad(t, nil, nil).Effective(), c.Effective()); diff != "" {
		t.Errorf("settings (-unset +empty):\n%s", diff)
	}
}

// A default that code had preset would be overwritten by its tag, so every
// default is in a tag, and every tag is effective.
func TestDefaultsAreInTags(t *testing.T) {
	t.Parallel()
	variables := config.Variables()
	for i, s := range mustLoad(t, nil, nil).Effective() {
		v := variables[i]
		want := map[string]string{"PUSHWORKER_ACK_WAIT": "1m"}[v.Name] // 60s
		if want == "" {
			want = v.Default
		}
		if s.Name != v.Name || s.Value != want || s.Source != config.FromDefault {
			t.Errorf("%+v; its tag says %q", s, want)
		}
	}
}

func TestParseErrorsHideSecrets(t *testing.T) {
	t.Parallel()
	got := strings.Join(faults(t, []string{
		"PUSHWORKER_NATS_URL=ftp://user:hunter2@host,nats://hunter2@h:99999,nats://hun%zzter2@h",
		`PUSHWORKER_HANDLERS=[{"name":"hunter2 ","config":{"token":"hunter2"}},{"a":"hunter2"},"hunter2"]`,
		"PUSHWORKER_NATS_PASSWORD=hunter2",
		"PUSHWORKER_NATS_TOKEN_FILE=/does/not/exist",
	}, nil), "\n")
	if strings.Contains(got, "hunter2") {
		t.Errorf("a secret shows in:\n%s", got)
	}
	got = strings.Join(faults(t, []string{`PUSHWORKER_HANDLERS=[{"name":hunter2}]`}, nil), "\n")
	if strings.Contains(got, "hunter2") || strings.Contains(got, "'h'") {
		t.Errorf("a secret shows in:\n%s", got)
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	got := faults(t, []string{
		"PUSHWORKER_STRICT_ENV=ja", "PUSHWORKER_REPLICAS=one", "PUSHWORKER_HISTORY=3days", "PUSHWORKER_MAX_BYTES=8 gigs",
	}, nil)
	want := []string{
		`PUSHWORKER_REPLICAS is not a whole number: "one"; write digits only`,
		`PUSHWORKER_HISTORY is not a duration: "3days"; write a number with a unit: 500ms, 30s, 10m, 72h, 3d`,
		`PUSHWORKER_MAX_BYTES is not a size: "8 gigs"; write a whole number of bytes, or one with a unit such as 512MiB or 8GiB`,
		`PUSHWORKER_STRICT_ENV is neither true nor false: "ja"; write true or false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// envconfig reads 010 as eight and 0x10 as sixteen.
func TestNumbersAreDecimal(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"010", "0x10", "1_000", "1e3", " 3"} {
		got := faults(t, []string{"PUSHWORKER_MAX_KEYS=" + text}, nil)
		if len(got) != 1 || !strings.Contains(got[0], "is not a whole number") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// A field with an envconfig tag would also be read without the prefix; one
// without split_words would have another name than it seems; a required one is
// satisfied by an empty variable; a pointer to a struct is never nil; a list
// cannot hold a comma nor a map a colon.
func TestTagsAvoidTraps(t *testing.T) {
	t.Parallel()
	fields := leaves(reflect.TypeFor[config.Config]())
	if len(fields) != len(config.Variables()) {
		t.Errorf("%d fields, %d variables", len(fields), len(config.Variables()))
	}
	for _, f := range fields {
		checkTags(t, f)
	}
}

func checkTags(t *testing.T, f reflect.StructField) {
	t.Helper()
	for _, tag := range []string{"envconfig", "required", "ignored"} {
		if _, ok := f.Tag.Lookup(tag); ok {
			t.Errorf("%s has the tag %s", f.Name, tag)
		}
	}
	if f.Tag.Get("split_words") != "true" || !strings.HasSuffix(f.Tag.Get("desc"), ".") {
		t.Errorf("%s needs split_words and a desc of whole sentences", f.Name)
	}
	mayHide := f.Tag.Get("secret") == "true"
	if f.Type == reflect.TypeFor[config.Secret]() && !mayHide {
		t.Errorf("%s needs the tag secret", f.Name)
	}
	if !decodes(f.Type) && (mayHide || !isPlain(f.Type)) {
		t.Errorf("%s is a %s: give it a Decode method", f.Name, f.Type)
	}
}

// leaves returns the exported fields of a group and of the groups in it.
func leaves(group reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for f := range group.Fields() {
		switch {
		case !f.IsExported():
		case f.Type.Kind() == reflect.Struct && !decodes(f.Type):
			fields = append(fields, leaves(f.Type)...)
		default:
			fields = append(fields, f)
		}
	}
	return fields
}

func decodes(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[envconfig.Decoder]())
}

func isPlain(t reflect.Type) bool {
	return slices.Contains([]reflect.Type{
		reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[time.Duration](),
	}, t)
}

func TestUnprefixedVariablesAreIgnored(t *testing.T) {
	for _, v := range config.Variables() {
		t.Setenv(strings.TrimPrefix(v.Name, "PUSHWORKER_"), "junk")
	}
	mustLoad(t, nil, nil)
}

func TestNamesAreTheContract(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`
		NATS_URL NATS_USER NATS_PASSWORD NATS_TOKEN NATS_CREDS_FILE NATS_NKEY_FILE NATS_INBOX_PREFIX NATS_DOMAIN NATS_API_PREFIX NATS_CA_FILE NATS_CERT_FILE NATS_KEY_FILE
		EMBEDDED_ADDR EMBEDDED_TOKEN EMBEDDED_CERT_FILE EMBEDDED_KEY_FILE EMBEDDED_INSECURE EMBEDDED_SYNC DATA_DIR
		STREAM SUBJECT STREAMS REPLICAS HISTORY MAX_BYTES PROVISION DEVICES_CREATE HANDLERS MAX_RECEIPT_BYTES MAX_KEYS MAX_RECIPIENTS MAX_DEPTH
		RETRY_BASE RETRY_CAP RETRY_MAX_AGE RETRY_MAX_ATTEMPTS RETRY_MAX_BYTES DEAD_MAX_AGE DEAD_MAX_BYTES
		ACK_WAIT SHUTDOWN_GRACE LANE_MAX_BYTES EVENTS DEVICES_DISPLACE DEVICES_CACHE DEVICES_MIRROR DIRECTORY DIRECTORY_QUERIES DIRECTORY_UID_KEY DIRECTORY_TTL ADMIN_ADDR ADMIN_TOKEN PPROF LOG_LEVEL LOG_FORMAT STRICT_ENV`)
	var got []string
	for _, v := range config.Variables() {
		got = append(got, strings.TrimPrefix(v.Name, "PUSHWORKER_"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestKubernetesServiceLinksAreIgnored(t *testing.T) {
	t.Parallel()
	environ := []string{
		"PUSHWORKER_SERVICE_HOST=10.0.0.1", "PUSHWORKER_SERVICE_PORT=9464", "PUSHWORKER_SERVICE_PORT_METRICS=9464",
		"PUSHWORKER_PORT=tcp://10.0.0.1:9464", "PUSHWORKER_PORT_9464_TCP=tcp://10.0.0.1:9464",
		"PUSHWORKER_PORT_9464_TCP_PROTO=tcp", "PUSHWORKER_PORT_9464_TCP_PORT=9464", "PUSHWORKER_PORT_9464_TCP_ADDR=10.0.0.1",
		"PUSHWORKER_NATS_SERVICE_HOST=10.0.0.2", "PUSHWORKER_NATS_PORT=udp://10.0.0.2:4222", "PUSHWORKER_NATS_PORT_4222_UDP_ADDR=10.0.0.2",
		"PUSHWORKER_STRICT_ENV=true",
	}
	if w := mustLoad(t, environ, nil).Warnings(); len(w) != 0 {
		t.Errorf("warnings: %v", w)
	}
	for _, v := range config.Variables() {
		for _, part := range []string{"_SERVICE_", "_PORT"} {
			if strings.Contains(v.Name, part) {
				t.Errorf("%s looks like a service link", v.Name)
			}
		}
	}
}

func TestTyposAreWarningsOrFaults(t *testing.T) {
	t.Parallel()
	environ := []string{
		"PUSHWORKER_SREAM=X", "PUSHWORKER_NATS_CREDS=/x", "PUSHWORKER_NATS=x", "PUSHWORKER_ADMIN_PORT=80", "PUSHWORKER_FLUX_CAPACITY=1",
		"pushworker_subject=x", "PUSHWORKER_STREAM_FILE=/x", "PUSHWORKER_EVIL\n\x1b[31m=1", "PUSHWORKERS=1", "PUSHWORKER_EMPTY_TYPO=", "OTHER=1",
	}
	want := []string{
		"PUSHWORKER_ADMIN_PORT is not a variable of pushworker; remove it; `pushworker config docs` lists the variables",
		`"PUSHWORKER_EVIL\n\x1b[31m" is not a variable of pushworker; remove it; ` + "`pushworker config docs` lists the variables",
		"PUSHWORKER_FLUX_CAPACITY is not a variable of pushworker; remove it; `pushworker config docs` lists the variables",
		"PUSHWORKER_NATS is not a variable of pushworker; did you mean PUSHWORKER_NATS_URL?",
		"PUSHWORKER_NATS_CREDS is not a variable of pushworker; did you mean PUSHWORKER_NATS_CREDS_FILE?",
		"PUSHWORKER_SREAM is not a variable of pushworker; did you mean PUSHWORKER_STREAM?",
		"PUSHWORKER_STREAM_FILE is not a variable of pushworker; did you mean PUSHWORKER_STREAM?",
		"pushworker_subject is not a variable of pushworker; did you mean PUSHWORKER_SUBJECT?",
	}
	var warnings []string
	for _, w := range mustLoad(t, environ, nil).Warnings() {
		warnings = append(warnings, w.String())
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, faults(t, append(environ, "PUSHWORKER_STRICT_ENV=true"), nil)); diff != "" {
		t.Errorf("strict faults (-want +got):\n%s", diff)
	}
}
