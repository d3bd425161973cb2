package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// serve runs a receiver of the test's own, which checks nothing.
func serve(t *testing.T, h http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
