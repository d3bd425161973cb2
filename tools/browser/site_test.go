package browser_test

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

//go:embed testdata
var files embed.FS

// site is the web site of a chat: a page that does what it is ordered, and a service worker that says
// what it is pushed.
type site struct {
	*testing.T
	url    string
	orders chan []byte
	said   chan answer

	mu     sync.Mutex
	pushed []pushed
}

// answer is what the page says that an order has led to.
type answer struct {
	Result json.RawMessage
	Error  string
}

// pushed is what the service worker says of a push: its text, and what the browser shows then of the
// same conversation.
type pushed struct {
	Text, Error string
	Shown       []notification
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, orders: make(chan []byte), said: make(chan answer)}
	content, err := fs.Sub(files, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, content, "page.html") })
	mux.HandleFunc("GET /worker.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, content, "worker.js") })
	mux.HandleFunc("GET /orders", s.order)
	mux.HandleFunc("POST /said", s.hear)
	mux.HandleFunc("POST /pushed", s.push)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // first: the page waits for orders
	s.url = server.URL + "/"
	return s
}

// order gives the page its orders, as an EventSource takes them.
func (s *site) order(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case order := <-s.orders:
			if _, err := fmt.Fprintf(w, "data: %s\n\n", order); err != nil {
				s.Errorf("give the page an order: %v", err)
			}
		case <-r.Context().Done():
			return
		}
	}
}

func (s *site) hear(_ http.ResponseWriter, r *http.Request) {
	var a answer
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		a.Error = err.Error()
	}
	select {
	case s.said <- a:
	case <-r.Context().Done():
	}
}

func (s *site) push(_ http.ResponseWriter, r *http.Request) {
	var p pushed
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil || p.Error != "" {
		s.Errorf("the service worker: %v %s", err, p.Error)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pushed = append(s.pushed, p)
}

// pushes are what the service worker has got, in that order.
func (s *site) pushes() []pushed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pushed)
}

// do has the page do what, and fills result with what it says.
func (s *site) do(what string, options map[string]string, result any) {
	s.Helper()
	order := map[string]string{"do": what}
	maps.Copy(order, options)
	text, err := json.Marshal(order)
	if err != nil {
		s.Fatal(err)
	}
	late := time.After(patience)
	select {
	case s.orders <- text:
	case <-late:
		s.Fatalf("after %v the browser has not opened the page", patience)
	}
	select {
	case a := <-s.said:
		if a.Error != "" {
			s.Fatalf("%s: %s", what, a.Error)
		}
		if err := json.Unmarshal(a.Result, result); err != nil {
			s.Fatalf("%s: %v: %s", what, err, a.Result)
		}
	case <-late:
		s.Fatalf("after %v the page has not answered: %s", patience, what)
	}
}
