package device_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

const goodLine = `{"user":"AQAAAAAAAAA","id":"phone","provider":"fcm","platform":"ios","token":"secret","lang":"pt-BR"}`

func TestParseLine(t *testing.T) {
	t.Parallel()
	want := push.Device{User: anna, ID: "phone", Provider: "fcm", Platform: "ios", Token: "secret", Lang: "pt-BR"}
	for _, line := range []string{
		goodLine,
		" " + goodLine + "\r\n",
		strings.Replace(goodLine, `"AQAAAAAAAAA"`, `"usrAQAAAAAAAAA"`, 1),
		strings.Replace(goodLine, `"AQAAAAAAAAA"`, `1`, 1),
		strings.Replace(goodLine, `{`, `{"future":[1,{}],`, 1),
	} {
		got, err := device.ParseLine([]byte(line))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", line, err, diff)
		}
	}
}

func TestParseLineSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		``:                           "not JSON at byte 0",
		`null`:                       "not a JSON object",
		`[]`:                         "not a JSON object",
		`"secret"`:                   "not a JSON object",
		`{"token":"secret"`:          "not JSON at byte",
		goodLine + goodLine:          "not JSON at byte",
		`{"token":7}`:                "token is a JSON number",
		`{"user":"secret"}`:          "user id",
		`{"user":{}}`:                "user id",
		`{"user":0}`:                 "zero",
		"{\"token\":\"secret\xff\"}": "UTF-8",
		`{"registered":"secret"}`:    "registered is not a time",
		`{"token":"` + strings.Repeat("secret", 3000) + `"}`: "more than 16384 bytes",
	} {
		_, err := device.ParseLine([]byte(line))
		if _, ok := errors.AsType[*device.InvalidError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", line, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%.40s: the error quotes the line: %v", line, err)
		}
	}
}

// FuzzParseLine holds that a line that is taken, and is valid, is stored and
// written just so.
func FuzzParseLine(f *testing.F) {
	f.Add([]byte(goodLine))
	f.Add([]byte(`{"user":81985529216486895,"id":"\u00fc","provider":"webpush","token":"{\"endpoint\":1}","registered":"2026-11-24T08:30:00.5+01:00"}`))
	f.Add([]byte(`{"USER":"1","Id":"x","id":"y","token":null}`))
	f.Add([]byte(`{"user":"usrAQAAAAAAAAA","registered":"0000-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		d, err := device.ParseLine(line)
		if err != nil {
			if _, ok := errors.AsType[*device.InvalidError](err); !ok {
				t.Fatalf("ParseLine: %T %v", err, err)
			}
			return
		}
		if device.Validate(d) != nil {
			return
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := device.ParseLine(text)
		if diff := cmp.Diff(d, again); err != nil || diff != "" {
			t.Fatalf("%s reads back as another: %v %s", text, err, diff)
		}
		dir := device.New(&device.Memory{}, device.Options{})
		if stored, err := dir.Put(t.Context(), d); err != nil || !stored {
			t.Fatalf("Put(%s) = %t, %v", text, stored, err)
		}
		got, err := dir.List(t.Context(), d.User)
		if err != nil || len(got) != 1 || got[0].Token != d.Token || got[0].ID != d.ID || got[0].Lang != d.Lang {
			t.Fatalf("%s is stored as %v, %v", text, got, err)
		}
	})
}
