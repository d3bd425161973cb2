package webpush

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestLittleOfAnAnswerIsRead: a server that anybody may name fills no memory.
func TestLittleOfAnAnswerIsRead(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20)) // who stops reading is no fault
	}))
	defer server.Close()
	by := shared{&http.Transport{}}
	defer by.by.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("message"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := by.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if len(body) != maxAnswer || err != nil || resp.Body.Close() != nil {
		t.Errorf("%d bytes are read, want %d; %v", len(body), maxAnswer, err)
	}
}
