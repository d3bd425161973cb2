package push_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestParseCommon(t *testing.T) {
	t.Parallel()
	defaults := push.Common{Enabled: true, Buffer: 1024, Timeout: 30 * time.Second}
	with := func(change func(*push.Common)) push.Common {
		c := defaults
		change(&c)
		return c
	}
	for name, tt := range map[string]struct {
		config string
		want   push.Common
		faults []string
	}{
		"nothing":         {config: "", want: defaults},
		"white space":     {config: " \n", want: defaults},
		"null":            {config: "null", want: defaults},
		"empty":           {config: "{}", want: defaults},
		"nulls":           {config: `{"enabled":null,"buffer":null,"timeout":null,"retry":null}`, want: defaults},
		"zeros":           {config: `{"buffer":0,"concurrency":0,"timeout":0,"retry":{"base":0,"cap":"0","max_attempts":0}}`, want: defaults},
		"Tinode's":        {config: `{"enabled":true,"buffer":1024,"credentials_file":"x","android":{"enabled":true}}`, want: defaults},
		"disabled":        {config: `{"enabled":false}`, want: with(func(c *push.Common) { c.Enabled = false })},
		"small buffer":    {config: `{"buffer":1}`, want: with(func(c *push.Common) { c.Buffer = 1 })},
		"negative buffer": {config: `{"buffer":-1}`, want: defaults},
		"all": {
			config: `{"buffer":7,"concurrency":3,"timeout":"1m30s","retry":{"base":0.25,"cap":"10m","max_age":3600,"max_attempts":5,"_note":1}}`,
			want: push.Common{
				Enabled: true, Buffer: 7, Concurrency: 3, Timeout: 90 * time.Second,
				Retry: push.RetryConfig{Base: 250 * time.Millisecond, Cap: 10 * time.Minute, MaxAge: time.Hour, MaxAttempts: 5},
			},
		},
		"any case": {config: `{"Buffer":7}`, want: with(func(c *push.Common) { c.Buffer = 7 })},
		"no JSON":  {config: `{"buffer":`, faults: []string{"config is not usable: no JSON from byte 10 on"}},
		"trailing": {config: `{} {}`, faults: []string{"config is not usable: no JSON from byte 4 on"}},
		"an array": {config: `[]`, faults: []string{"config is not usable: a JSON array: want a JSON object"}},
		"a string": {config: `"secret"`, faults: []string{"config is not usable: a JSON string: want a JSON object"}},
		"everything at once": {
			config: `{"enabled":"yes","buffer":1048577,"concurrency":-1,"timeout":"secret","retry":{"base":"2s","cap":1,"max_age":-1,"max_attempts":1.5,"max":3}}`,
			faults: []string{
				`key "enabled" is a JSON string: want true or false`,
				`key "retry.max" is unknown: known are base, cap, max_age, max_attempts`,
				`key "retry.max_attempts" is a JSON number: want a whole number`,
				`key "timeout": want a duration such as "1m30s", or a number of seconds`,
				`key "buffer" is 1048577: want at most 1048576`,
				`key "concurrency" is negative: leave it out for the default`,
				`key "retry.max_age" is negative: leave it out for the default`,
				`key "retry.base" is 2s, more than retry.cap, 1s: lower the one or raise the other`,
			},
		},
		"negative, and too many": {
			config: `{"concurrency":65537,"timeout":-1,"retry":{"base":"-1s","cap":-1,"max_attempts":-1}}`,
			faults: []string{
				`key "concurrency" is 65537: want at most 65536`,
				`key "timeout" is negative: leave it out for the default`,
				`key "retry.base" is negative: leave it out for the default`,
				`key "retry.cap" is negative: leave it out for the default`,
				`key "retry.max_attempts" is negative: leave it out for the default`,
			},
		},
		"odd durations": {
			config: `{"timeout":1e300,"retry":{"base":"","cap":true,"max_age":[]}}`,
			faults: []string{
				`key "retry.base": want a duration such as "1m30s", or a number of seconds`,
				`key "retry.cap": want a duration such as "1m30s", or a number of seconds`,
				`key "retry.max_age": want a duration such as "1m30s", or a number of seconds`,
				`key "timeout": want a duration such as "1m30s", or a number of seconds`,
			},
		},
		"retry is no object": {config: `{"retry":3}`, faults: []string{`key "retry" is a JSON number: want an object`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := push.ParseCommon(tt.config)
			wantFaults(t, err, tt.faults)
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("common keys (-want +got):\n%s", diff)
			}
		})
	}
}

// wantFaults checks that err joins exactly the faults that begin as want says.
func wantFaults(t *testing.T, err error, want []string) {
	t.Helper()
	var got []string
	if err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	if len(got) != len(want) {
		t.Fatalf("%d faults, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("fault is %q, want %q", got[i], want[i])
		}
		if strings.Contains(got[i], "secret") {
			t.Errorf("fault quotes a value: %q", got[i])
		}
	}
}

type colour int

var errColour = errors.New("want red or green")

func (c *colour) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null", `"red"`:
		*c = 1
	case `"green"`:
		*c = 2
	default:
		return errColour
	}
	return nil
}

type section struct {
	Title string `json:"title"`
	Color colour `json:"color,omitempty"`
}

type pluginConfig struct {
	Endpoint string         `json:"endpoint"`
	Lifetime time.Duration  `json:"time_to_live"`
	Grace    *time.Duration `json:"grace"`
	Android  section        `json:"android"`
	APNs     *section       `json:"apns"`
	Names    []string       `json:"names"`
	Ratio    float64        `json:"ratio"`
	Plain    int
	Hidden   int `json:"-"`
	private  int
}

func TestDecodeConfig(t *testing.T) {
	t.Parallel()
	defaults := pluginConfig{Endpoint: "https://default", Lifetime: time.Hour, Ratio: 0.5, private: 1}
	grace := 2 * time.Second
	for name, tt := range map[string]struct {
		config string
		want   pluginConfig
		faults []string
	}{
		"nothing": {config: "", want: defaults},
		"null":    {config: "null", want: defaults},
		"common keys and comments are not ours": {
			config: `{"enabled":true,"Buffer":"not ours","concurrency":1,"timeout":1,"retry":{"x":1},"$schema":"x","_comment":1,"android":{"_why":2}}`,
			want:   defaults,
		},
		"nulls": {
			config: `{"endpoint":null,"time_to_live":null,"grace":null,"android":null,"apns":null}`,
			want:   defaults,
		},
		"all": {
			config: `{"endpoint":"http://x","time_to_live":3600.5,"grace":"2s","android":{"title":"t","color":"green"},
				"apns":{"color":null},"names":["a","b"],"ratio":1e-1,"plain":3}`,
			want: pluginConfig{
				Endpoint: "http://x", Lifetime: time.Hour + 500*time.Millisecond, Grace: &grace,
				Android: section{Title: "t", Color: 2}, APNs: &section{Color: 1}, Names: []string{"a", "b"},
				Ratio: 0.1, Plain: 3, private: 1,
			},
		},
		"everything at once": {
			config: `{"endpont":"secret","time_to_live":"soon","android":{"titel":"secret","color":"secret"},"apns":"secret",
				"names":"secret","ratio":"secret","Hidden":1,"private":2,"plain":[],"grace":{}}`,
			faults: []string{
				`key "Hidden" is unknown: known are endpoint, time_to_live, grace, android, apns, names, ratio, Plain, ` +
					`enabled, buffer, concurrency, timeout, apps, retry`,
				`key "android.color": want red or green`,
				`key "android.titel" is unknown: known are title, color`,
				`key "apns" is a JSON string: want an object`,
				`key "endpont" is unknown: known are endpoint`,
				`key "grace": want a duration`,
				`key "names" is a JSON string: want an array`,
				`key "plain" is a JSON array: want a whole number`,
				`key "private" is unknown`,
				`key "ratio" is a JSON string: want a number`,
				`key "time_to_live": want a duration`,
			},
		},
		"no JSON": {config: `{`, faults: []string{"config is not usable: no JSON from byte 1 on: unexpected end of JSON input: want a JSON object"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := defaults
			err := push.DecodeConfig(tt.config, &got)
			wantFaults(t, err, tt.faults)
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(pluginConfig{})); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}
