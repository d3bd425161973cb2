package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
)

func TestByteSize(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text string
		want config.ByteSize
		back string
	}{
		{"0", 0, "0"},
		{"1", 1, "1"},
		{"1023", 1023, "1023"},
		{"1024", 1024, "1KiB"},
		{"1000", 1000, "1kB"},
		{"1000001", 1_000_001, "1000001"},
		{"1000000", 1_000_000, "1MB"},
		{"1MB", 1_000_000, "1MB"},
		{"7 B", 7, "7"},
		{"2kB", 2000, "2kB"},
		{"2KiB", 2048, "2KiB"},
		{"8GiB", 8 << 30, "8GiB"},
		{"8gib", 8 << 30, "8GiB"},
		{"8 GiB ", 8 << 30, "8GiB"},
		{"8G", 8 << 30, "8GiB"},
		{"512m", 512 << 20, "512MiB"},
		{"64K", 64 << 10, "64KiB"},
		{"1T", 1 << 40, "1TiB"},
		{"1GB", 1_000_000_000, "1GB"},
		{"3TB", 3_000_000_000_000, "3TB"},
		{"1536MiB", 1536 << 20, "1536MiB"},
		{"8388607TiB", 8388607 << 40, "8388607TiB"},
		{"9223372036854775807", 1<<63 - 1, "9223372036854775807"},
	}
	for _, tc := range cases {
		var b config.ByteSize
		if err := b.Decode(tc.text); err != nil || b != tc.want || b.String() != tc.back {
			t.Errorf("%q = %d (%s), %v; want %d (%s)", tc.text, b, b, err, tc.want, tc.back)
		}
	}
	for _, text := range []string{"", "GiB", "8Gi", "1.5GiB", "-1", "+1", "0x10", "1_000", "8GiBB", "9223372036854775808", "8388608TiB", "８"} {
		var b config.ByteSize
		if err := b.Decode(text); err == nil {
			t.Errorf("%q = %d, want an error", text, b)
		}
	}
}

func TestSecretTrimsNewlinesOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"a": "a", "a\n": "a", "a\r\n": "a", " a b \n\n": " a b ", "\n": ""} {
		var s config.Secret
		if err := s.Decode(text); err != nil || s.Reveal() != want || s.IsSet() != (want != "") {
			t.Errorf("%q = %q, %v; want %q", text, s.Reveal(), err, want)
		}
	}
}

// However a configuration is printed, logged or encoded, no secret shows.
func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, []string{
		"PUSHWORKER_NATS_URL=nats://me:" + secret + "@a:1,tls://b", "PUSHWORKER_ADMIN_TOKEN=" + secret,
		`PUSHWORKER_HANDLERS=[{"name":"a","config":{"enabled":true,"token":"` + secret + `"}},{"name":"b"}]`,
	}, nil)
	d := mustLoad(t, []string{"PUSHWORKER_NATS_URL=nats://" + secret + "@a", "PUSHWORKER_ADMIN_TOKEN=" + secret}, nil)
	e := mustLoad(t, []string{"PUSHWORKER_NATS_URL=nats://a", "PUSHWORKER_NATS_USER=u", "PUSHWORKER_NATS_PASSWORD=" + secret}, nil)
	for _, c := range []*config.Config{c, d, e} {
		var log bytes.Buffer
		logger := zerolog.New(&log)
		logger.Log().Interface("config", c).Any("url", c.NATS.URL).Stringer("token", c.Admin.Token).Any("handlers", c.Handlers).Send()
		encoded, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		outputs := []string{log.String(), string(encoded), fmt.Sprint(c.Effective()), fmt.Sprint(c.NATS, c.Admin.Token, c.Handlers)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			outputs = append(outputs, fmt.Sprintf(verb, c.NATS), fmt.Sprintf(verb, c.Admin), fmt.Sprintf(verb, c.Handlers),
				fmt.Sprintf(verb, c.Handlers[0]), fmt.Sprintf(verb, c.NATS.URL), fmt.Sprintf(verb, *c))
		}
		for _, out := range outputs {
			if strings.Contains(out, secret) || strings.Contains(out, fmt.Sprintf("%x", secret)) {
				t.Errorf("a secret shows in %s", out)
			}
		}
	}
}

func TestMasksSayThatSomethingIsThere(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, []string{
		"PUSHWORKER_NATS_URL=nats://me:pw@a:1,tls://tok@b,wss://c/path", "PUSHWORKER_ADMIN_TOKEN=x",
		`PUSHWORKER_HANDLERS=[{"name":"a","config":{"timeout":"5s","token":{"k":"v"},"dry_run":true,"enabled":true}},{"name":"b"},{"config":null,"name":"c"}]`,
	}, nil)
	for got, want := range map[string]string{
		c.NATS.URL.String():       "nats://***@a:1,tls://***@b,wss://c/path",
		c.Admin.Token.String():    "***",
		c.NATS.Password.String():  "",
		c.Handlers.String():       `[{"name":"a","config":{"dry_run":true,"enabled":true,"timeout":"5s","token":"***"}},{"name":"b"},{"name":"c","config":null}]`,
		fmt.Sprint(c.Handlers[1]): `{"name":"b"}`,
		fmt.Sprint(config.Handler{Name: "d", Config: json.RawMessage(`[1]`)}): `{"name":"d","config":"***"}`,
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestHandlerConfigIsKeptByteForByte(t *testing.T) {
	t.Parallel()
	conf := "{ \"a\":\t1e999, \"b\": \"\\u003c\",\n \"a\": 2 }"
	c := mustLoad(t, []string{`PUSHWORKER_HANDLERS=[{"config": ` + conf + ` , "name":"x"}]`}, nil)
	if got := string(c.Handlers[0].Config); got != conf {
		t.Errorf("config = %s, want %s", got, conf)
	}
}

// TestHandlersAsTinodeWritesThem: an entry is copied from Tinode's configuration, with
// what is in it for its readers.
func TestHandlersAsTinodeWritesThem(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, []string{`PUSHWORKER_HANDLERS=[
	{
		// Google FCM notificator.
		"name":"fcm",
		"config": {
			"enabled": true, /* see // https://example.com */
			"credentials_file": "/path//to/file.json",
		}
	},
]`}, nil)
	var got map[string]any
	if err := json.Unmarshal(c.Handlers[0].Config, &got); err != nil || len(c.Handlers) != 1 {
		t.Fatalf("%v: %s", err, c.Handlers[0].Config)
	}
	if diff := cmp.Diff(map[string]any{"enabled": true, "credentials_file": "/path//to/file.json"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
