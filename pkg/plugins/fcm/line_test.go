package fcm_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/fcm"
	"github.com/pushworker/pushworker/pkg/push"
)

// Eight connections of ninety requests each, as by default while answers come soon.
const (
	inFlight    = 720
	connections = 8
	perConn     = 90
)

// offerAll offers a receipt to each user at once.
func (w *world) offerAll(users []push.Uid) []<-chan error {
	w.Helper()
	var outcomes []<-chan error
	for _, u := range users {
		outcomes = append(outcomes, w.Offer(receiptTo(u)))
	}
	return outcomes
}

func (w *world) awaitStats(what string, done func(fake.Stats) bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	if err := w.fake.Await(ctx, done); err != nil {
		w.Fatalf("%s: %v; stats are %+v", what, err, w.fake.Stats())
	}
}

// awaitHangUp waits until no connection is left.
func (w *world) awaitHangUp() {
	w.Helper()
	for end := time.After(patience); w.fake.Stats().Open > 0; {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-end:
			w.Fatalf("connections are left: stats are %+v", w.fake.Stats())
		}
	}
}

// TestConnections: as many connections as there are transports, from a cold start,
// and none over the limit of streams.
func TestConnections(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T, fakefcm.Options, ...string) *world{"TLS": newWorld, "plain": newPlainWorld} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"latency":"1s"}`)}}, `"max_in_flight":720`)
			users, tokens := w.crowd(inFlight + 50)
			for _, outcome := range w.offerAll(users) {
				if err := w.Await(outcome); err != nil {
					t.Error(err)
				}
			}
			w.wantOnce(tokens)
			s := w.fake.Stats()
			if s.Connections > connections+1 { // and one to the token endpoint
				t.Errorf("%d connections for %d transports", s.Connections, connections)
			}
			if s.MaxStreamsOfOne > perConn || s.MaxStreams <= 101 {
				t.Errorf("streams are %d at most, %d of one connection", s.MaxStreams, s.MaxStreamsOfOne)
			}
		})
	}
}

// TestGoAway: connections that drain take nothing with them and stand in nobody's
// way.
func TestGoAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Latency: 20 * time.Millisecond, Script: rules(t, `{"conn_nth":"40","answer":"goaway"}`)}})
	users, tokens := w.crowd(1000)
	for _, outcome := range w.offerAll(users) {
		if err := w.Await(outcome); err != nil {
			t.Error(err)
		}
	}
	w.wantOnce(tokens)
	if s := w.fake.Stats(); s.Connections <= connections+1 || s.Answers["goaway"] == 0 {
		t.Errorf("nothing was drained: %+v", s)
	}
}

// TestRefusedStreams: what FCM says it has not looked at is repeated at once, and
// nobody hears of it.
func TestRefusedStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"nth":"1","answer":"refuse"}`)}})
	users, tokens := w.crowd(100)
	for _, outcome := range w.offerAll(users) {
		if err := w.Await(outcome); err != nil {
			t.Error(err)
		}
	}
	w.wantOnce(tokens)
	if n := w.fake.Stats().Answers["refuse"]; n != 100 {
		t.Errorf("%d streams were refused", n)
	}
}

// TestServerWithoutHTTP2: a server that speaks HTTP/1.1 alone is spoken to so.
func TestServerWithoutHTTP2(t *testing.T) {
	t.Parallel()
	var got atomic.Int64
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Add(1)
		_, _ = fmt.Fprintf(w, `{"name":"projects/project/messages/%d"}`, r.ProtoMajor)
	}))
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	old.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	old.StartTLS()
	defer old.Close()
	w := newWorld(t, fakefcm.Options{}, `"endpoint":"`+old.URL+`/v1"`)
	users, _ := w.crowd(20)
	for _, outcome := range w.offerAll(users) {
		if err := w.Await(outcome); err != nil {
			t.Error(err)
		}
	}
	if n := got.Load(); n != 20 {
		t.Errorf("%d messages", n)
	}
	w.stopNow()
}

// TestDrainingBesideStalled: a connection that drains for long, because requests
// on it get no answer, does not keep its transport from dialling another.
func TestDrainingBesideStalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"token":"stuck","answer":"stall"}`)}}, `"max_in_flight":10`)
	w.register(alice, "stuck")
	w.register(bob, "well")
	stuck := w.Offer(receiptTo(alice))
	w.awaitStats("the first request is stuck", func(s fake.Stats) bool { return s.Streams == 1 })
	w.fake.Connections(fake.DoGoAway)
	if err := w.Handle(receiptTo(bob)); err != nil {
		t.Errorf("beside it: %v", err)
	}
	select {
	case err := <-stuck:
		t.Errorf("the stuck one ended first: %v", err)
	default:
	}
	w.stopNow()
	wantHandedBack(t, w.Await(stuck))
}

// TestConnectionsKilled: whatever happens to all connections at once, everything
// arrives in the end, and the handler recovers by itself.
func TestConnectionsKilled(t *testing.T) {
	t.Parallel()
	for _, do := range []fake.Do{fake.DoCut, fake.DoClose, fake.DoFreeze, fake.DoGoAway} {
		t.Run(string(do), func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, fcm.New, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"nth":"1","latency":"3s"}`)}}, `"max_in_flight":180`, `"ramp":"1ms"`)
			users, tokens := w.crowd(180)
			var all sync.WaitGroup
			for _, u := range users {
				all.Go(func() { w.drive(receiptTo(u)) })
			}
			w.awaitStats("requests are in work", func(s fake.Stats) bool { return s.Streams > 100 })
			killed := time.Now()
			w.fake.Connections(do)
			all.Wait()
			t.Logf("%s: all went out after %s, %+v", do, time.Since(killed).Round(time.Millisecond), w.fake.Stats())
			for _, token := range tokens {
				if w.fake.Count(token).Accepted == 0 {
					t.Errorf("%s got nothing", token)
				}
			}
		})
	}
}

// TestRevoked: a token that ends before its time costs a moment.
func TestRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{})
	w.register(alice, "phone")
	if err := w.Handle(receiptTo(alice)); err != nil {
		t.Fatal(err)
	}
	w.pause(5 * time.Second) // a new token is fetched at once unless the last is newer
	w.fake.Revoke()
	w.drive(receiptTo(alice))
	if s := w.fake.Stats(); s.Tokens != 2 || s.Status["401"] != 1 {
		t.Errorf("stats are %+v, want one refusal and one new token", s)
	}
}

// TestStopsWhileEverythingStalls: neither FCM nor the token endpoint can keep the
// handler from starting or stopping, and no connection is left on which a request was
// given up.
func TestStopsWhileEverythingStalls(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"send", "token"} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, fmt.Sprintf(`{"endpoint":%q,"answer":"stall"}`, endpoint))}})
			users, _ := w.crowd(20)
			outcomes := w.offerAll(users)
			if endpoint == "send" {
				w.awaitStats("requests are in work", func(s fake.Stats) bool { return s.Streams == 20 })
			}
			w.stopNow()
			for _, outcome := range outcomes {
				wantHandedBack(t, w.Await(outcome))
			}
			w.awaitHangUp()
		})
	}
}

// wantHandedBack wants an outcome that costs no attempt.
func wantHandedBack(t *testing.T, err error) {
	t.Helper()
	_, down := errors.AsType[*push.UnavailableError](err)
	if !down && !errors.Is(err, push.ErrNotStarted) {
		t.Errorf("outcome is %v (%T), want one that costs no attempt", err, err)
	}
}

// stopNow stops the handler without letting it finish.
func (w *world) stopNow() {
	w.Helper()
	over, cancel := context.WithCancel(w.Context())
	cancel()
	_ = w.Handler.(push.Drainer).Drain(over) // how far it came is its own matter
	w.Handler.Stop()
}
