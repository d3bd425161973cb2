package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/admin"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	const local, open = "127.0.0.1:0", "0.0.0.0:0"
	tests := map[string]struct {
		addr, token string
		headers     []string
		code        int
		hint        string
	}{
		"loopback, no token":           {local, "", nil, 200, ""},
		"loopback, localhost":          {local, "", []string{"Host", "localhost:9464"}, 200, ""},
		"loopback, IPv6":               {local, "", []string{"Host", "[::1]:9464"}, 200, ""},
		"loopback, rebound name":       {local, "", []string{"Host", "evil.example:9464"}, 403, "localhost"},
		"loopback, no Host port":       {local, "", []string{"Host", "evil.example"}, 403, "localhost"},
		"loopback, token missing":      {local, "s3cret", nil, 401, "Authorization: Bearer"},
		"loopback, token":              {local, "s3cret", []string{"Authorization", "Bearer s3cret"}, 200, ""},
		"open, no token":               {open, "", nil, 403, "PUSHWORKER_ADMIN_TOKEN"},
		"open, empty token given":      {open, "", []string{"Authorization", "Bearer "}, 403, "PUSHWORKER_ADMIN_TOKEN"},
		"open, token missing":          {open, "s3cret", nil, 401, "Authorization: Bearer"},
		"open, wrong token":            {open, "s3cret", []string{"Authorization", "Bearer s3cre"}, 401, "Authorization: Bearer"},
		"open, token":                  {open, "s3cret", []string{"Authorization", "Bearer s3cret"}, 200, ""},
		"open, token under a DNS name": {open, "s3cret", []string{"Authorization", "Bearer s3cret", "Host", "worker-1:9464"}, 200, ""},
		"open, other scheme":           {open, "s3cret", []string{"Authorization", "Basic s3cret"}, 401, "Authorization: Bearer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := "http://" + serve(t, admin.Options{Addr: test.addr, Token: test.token, Pprof: true, SetLevel: func(string) error { return nil }})
			if got := ask(t, http.MethodPut, url+"/loglevel", test.headers...); got.Code != test.code || !strings.Contains(got.Body, test.hint) {
				t.Errorf("/loglevel: %d %q, want %d and %q", got.Code, got.Body, test.code, test.hint)
			}
			checkGuarded(t, url, test.code, test.hint, test.headers...)
			for _, route := range []string{"/livez", "/readyz", "/metrics"} {
				if got := ask(t, http.MethodGet, url+route, test.headers...); got.Code != http.StatusOK {
					t.Errorf("%s: %d, want 200 for everybody", route, got.Code)
				}
			}
		})
	}
}

func checkGuarded(t *testing.T, url string, code int, hint string, headers ...string) {
	t.Helper()
	for _, route := range []string{"/status", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/symbol"} {
		got := ask(t, http.MethodGet, url+route, headers...)
		if got.Code != code || !strings.Contains(got.Body, hint) {
			t.Errorf("%s: %d %q, want %d and %q", route, got.Code, got.Body, code, hint)
		}
		if strings.Contains(got.Body, "s3cret") {
			t.Errorf("%s tells the token", route)
		}
	}
}

func TestProfilesOnlyWhenEnabled(t *testing.T) {
	t.Parallel()
	url := "http://" + serve(t, admin.Options{})
	for _, route := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline"} {
		if got := ask(t, http.MethodGet, url+route); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", route, got.Code)
		}
	}
}
