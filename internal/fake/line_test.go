package fake_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

// everyProtocol runs a test over each protocol that the server speaks.
func everyProtocol(t *testing.T, o fake.Options, f func(t *testing.T, s *fake.Server, c *http.Client, proto string)) {
	t.Helper()
	for name, p := range map[string]struct {
		tls, http1 bool
		proto      string
	}{
		"h2":            {true, false, "HTTP/2.0"},
		"h2c":           {false, false, "HTTP/2.0"},
		"http1 and tls": {true, true, "HTTP/1.1"},
		"http1":         {false, true, "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := o
			own.TLS = p.tls
			s := start(t, own)
			f(t, s, speak(t, s, p.http1), p.proto)
		})
	}
}

func TestAnswersOverEveryProtocol(t *testing.T) {
	t.Parallel()
	rules := script(t, `{"token":"b","answer":"unavailable","retry_after":3}`)
	everyProtocol(t, fake.Options{Script: rules}, func(t *testing.T, s *fake.Server, c *http.Client, proto string) {
		t.Helper()
		if transport, ok := c.Transport.(*http.Transport); ok {
			transport.MaxConnsPerHost = 1 // else a request of HTTP/1.1 that finds it not yet given back dials another
		}
		if got := push(t, c, s, "a"); got.status != 200 || got.proto != proto {
			t.Errorf("%d over %s, want 200 over %s", got.status, got.proto, proto)
		}
		if got := push(t, c, s, "b"); got.status != 503 || got.header.Get("Retry-After") != "3" {
			t.Errorf("%d with Retry-After %q, want 503 with 3", got.status, got.header.Get("Retry-After"))
		}
		if got := push(t, c, s, strings.Repeat("x", 200_000)); got.status != 400 {
			t.Errorf("%d for 200 kB, want 400", got.status)
		}
		if got := s.Stats(); got.Connections != 1 || got.MaxStreams != 1 || got.Requests != 3 {
			t.Errorf("counted %+v, want one connection, one request at a time, three in all", got)
		}
	})
}

func TestLatencyPassesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	const latency = 60 * time.Millisecond
	rules := script(t, `{"token":"quick","latency":"1ms"}`)
	everyProtocol(t, fake.Options{Latency: latency, Script: rules}, func(t *testing.T, s *fake.Server, c *http.Client, _ string) {
		t.Helper()
		begin := time.Now()
		if got := push(t, c, s, "a"); got.status != 200 {
			t.Errorf("%d, want 200", got.status)
		}
		if took := time.Since(begin); took < latency {
			t.Errorf("answered after %v, before %v had passed", took, latency)
		}
		if got := push(t, c, s, "quick"); got.status != 200 {
			t.Errorf("%d, want 200", got.status)
		}
	})
}

// fail sends a message that gets no answer.
func fail(t *testing.T, c *http.Client, s *fake.Server, token string) error {
	t.Helper()
	r := request(t, http.MethodPost, s.URL()+"/demo", token)
	r.GetBody = nil // the client must not repeat it by itself
	got, err := do(c, r)
	if err == nil {
		t.Fatalf("answered with %d", got.status)
	}
	return err
}

// recover200 sends until a message gets through: a client may take its dead
// connection for alive once more.
func recover200(t *testing.T, c *http.Client, s *fake.Server) {
	t.Helper()
	for ctx := deadline(t); ; {
		got, err := do(c, request(t, http.MethodPost, s.URL()+"/demo", "a"))
		switch {
		case err == nil && got.status == 200:
			return
		case ctx.Err() != nil:
			t.Fatalf("no message gets through: %v, %d", err, got.status)
		}
	}
}

func TestLostConnectionsOverEveryProtocol(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"close", "cut", "reset", "refuse"} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			rules := script(t, `{"nth":1,"answer":"`+answer+`"}`)
			everyProtocol(t, fake.Options{Script: rules}, func(t *testing.T, s *fake.Server, c *http.Client, _ string) {
				t.Helper()
				_ = fail(t, c, s, "a")
				recover200(t, c, s)
				if got := s.Stats(); got.Answers[answer] != 1 || got.Status["200"] != 1 || len(got.Status) != 1 || got.Accepted != 1 {
					t.Errorf("counted %+v", got)
				}
			})
		})
	}
}

func TestResetsCarryTheirCodeAndLeaveTheConnection(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{Script: script(t, `{"token":"r","answer":"reset"},{"token":"f","answer":"refuse"}`)})
	c := client(t, s)
	for token, code := range map[string]string{"r": "INTERNAL_ERROR; received from peer", "f": "REFUSED_STREAM; received from peer"} {
		if err := fail(t, c, s, token); !strings.Contains(err.Error(), code) {
			t.Errorf("%s: the client sees %v, want %s", token, err, code)
		}
	}
	if n := s.Stats().Connections; n != 1 {
		t.Errorf("%d connections, want the same one throughout", n)
	}
}

func TestARefusedStreamIsRepeatedByGosClient(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{Script: script(t, `{"nth":1,"answer":"refuse"}`)})
	if got := push(t, client(t, s), s, "a"); got.status != 200 {
		t.Errorf("%d, want 200", got.status)
	}
	if got := s.Count("a"); got != (fake.TargetCount{Requests: 2, Accepted: 1}) {
		t.Errorf("counted %+v, want two requests of which one was taken", got)
	}
}

func TestGoAwayIsAnsweredAndMovesTheClientToANewConnection(t *testing.T) {
	t.Parallel()
	rules := script(t, `{"conn_nth":2,"answer":"goaway"}`)
	everyProtocol(t, fake.Options{Script: rules}, func(t *testing.T, s *fake.Server, c *http.Client, _ string) {
		t.Helper()
		if transport, ok := c.Transport.(*http.Transport); ok {
			transport.MaxConnsPerHost = 1 // else it may dial one that it does not use
		}
		for i := range 6 {
			if got := push(t, c, s, "a"); got.status != 200 || got.body != "taken" {
				t.Errorf("request %d: %d %s", i, got.status, got.body)
			}
		}
		if got := s.Stats(); got.Connections != 3 || got.Accepted != 6 || got.Answers["goaway"] != 3 {
			t.Errorf("counted %+v, want three connections with two messages each", got)
		}
	})
}

func TestAStallEndsOnlyWithTheClientsPatience(t *testing.T) {
	t.Parallel()
	rules := script(t, `{"token":"s","answer":"stall"}`)
	everyProtocol(t, fake.Options{Script: rules}, func(t *testing.T, s *fake.Server, c *http.Client, _ string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := request(t, http.MethodPost, s.URL()+"/demo", "s").WithContext(ctx)
		failed := make(chan error, 1)
		go func() {
			_, err := do(c, r)
			failed <- err
		}()
		if err := s.Await(deadline(t), func(now fake.Stats) bool { return now.Requests == 1 && now.Streams == 1 }); err != nil {
			t.Fatal(err)
		}
		if got := push(t, c, s, "a"); got.status != 200 { // others are not held up
			t.Errorf("%d, want 200", got.status)
		}
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("the client saw %v, want its own cancellation", err)
		}
		for ctx := deadline(t); s.Stats().Streams > 0; {
			if ctx.Err() != nil {
				t.Fatal("the stalled request is still counted as in work")
			}
		}
	})
}

func TestConnectionsAreTreatedFromOutside(t *testing.T) {
	t.Parallel()
	for _, what := range []fake.Do{fake.DoGoAway, fake.DoClose, fake.DoCut} {
		t.Run(string(what), func(t *testing.T) {
			t.Parallel()
			everyProtocol(t, fake.Options{}, func(t *testing.T, s *fake.Server, c *http.Client, _ string) {
				t.Helper()
				push(t, c, s, "a")
				if n := s.Connections(what); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
				for ctx := deadline(t); s.Stats().Open > 0; {
					if ctx.Err() != nil {
						t.Fatal("the connection stays open")
					}
				}
				recover200(t, c, s)
				if n := s.Stats().Connections; n != 2 {
					t.Errorf("%d connections, want 2", n)
				}
			})
		})
	}
}

func TestAFrozenConnectionIsFoundOutByPing(t *testing.T) {
	t.Parallel()
	s := start(t, fake.Options{Script: script(t, `{"nth":1,"answer":"freeze"}`)})
	c := client(t, s)
	transport, ok := c.Transport.(*http.Transport)
	if !ok {
		t.Fatal("the client has another transport")
	}
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 100 * time.Millisecond, PingTimeout: time.Second} // which a busy machine needs
	if err := fail(t, c, s, "a"); !strings.Contains(err.Error(), "connection lost") {
		t.Errorf("the client saw %v, want a lost connection", err)
	}
	if got := push(t, c, s, "a"); got.status != 200 {
		t.Errorf("then %d, want 200", got.status)
	}
}
