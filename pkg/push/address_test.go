package push_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestAddress: a device is brought into the form of its provider, by the first handler of
// that type that takes it, as it is configured.
func TestAddress(t *testing.T) {
	t.Parallel()
	var r push.Registry
	lowers := func(jsonconf string, d push.Device) (push.Device, error) {
		switch {
		case jsonconf == "" && strings.HasPrefix(d.Token, "http:"):
			return d, errors.New("never")
		case strings.Contains(jsonconf, "strict") && d.Token != "GOOD":
			d.Token = strings.ToLower(d.Token)
			return d, errors.New("not here")
		}
		d.Token = strings.ToLower(d.Token) + jsonconf
		return d, nil
	}
	nothing := func(string) (push.Work, error) { return push.Work{}, errors.New("is not to be configured") }
	r.RegisterType("web", func() push.Handler { return push.Adapt(nothing).Addresses(lowers) })
	r.RegisterType("fcm", func() push.Handler { return push.Adapt(nothing) })
	const strict, off, lax = `{"name":"a","type":"web","config":{"strict":1}}`, `{"name":"b","type":"web","config":{"enabled":false}}`, `{"name":"web","config":{"lax":1}}`
	for _, test := range []struct {
		config, provider, token, want, fault string
	}{
		{"", "web", "X", "x", ""},
		{"[]", "web", "http:X", "http:X", "never"},
		{"[" + off + "]", "web", "X", "x", ""},
		{"[" + strict + "]", "web", "GOOD", `good{"strict":1}`, ""},
		{"[" + strict + "]", "web", "X", "x", "not here"},
		{"[" + strict + "," + off + "," + lax + "]", "web", "X", `x{"lax":1}`, ""},
		{"[" + lax + "]", "fcm", "X", "X", ""},
		{"[" + lax + "]", "unknown", "X", "X", ""},
	} {
		got, err := r.Address(test.config, push.Device{Provider: test.provider, Token: test.token})
		switch {
		case test.fault != "":
			if err == nil || err.Error() != test.fault || got.Token != test.want {
				t.Errorf("%s of %s with %s: %q, %v; want %q, %q", test.token, test.provider, test.config, got.Token, err, test.want, test.fault)
			}
		case err != nil || got.Token != test.want:
			t.Errorf("%s of %s with %s: %q, %v; want %q", test.token, test.provider, test.config, got.Token, err, test.want)
		}
	}
}
