package webpush

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// internet is push servers at the ends of pipes, and counts what they see.
type internet struct {
	mu                  sync.Mutex
	open, most          int            // connections
	of, mostOf, dialled map[string]int // by host
}

// latency is that of a server that is well.
const latency = 50 * time.Millisecond

var errRefused = &net.OpError{Op: "dial", Err: errors.New("connection refused")}

// dial connects to the server of addr. Its name says what is the matter with it.
func (n *internet) dial(_ context.Context, _, addr string) (net.Conn, error) {
	host, _, _ := strings.Cut(addr, ":")
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dialled[host]++
	if strings.HasPrefix(host, "dead") {
		return nil, errRefused
	}
	n.open++
	n.of[host]++
	ours, theirs := net.Pipe()
	go serve(host, theirs)
	return &counted{Conn: ours, gone: sync.OnceFunc(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.open--
		n.of[host]--
	})}, nil
}

// counted is a connection that is counted until we close it.
type counted struct {
	net.Conn

	gone func()
}

func (c *counted) Close() error {
	c.gone()
	return c.Conn.Close()
}

// look notes how many connections there are, when nothing is about to be closed.
func (n *internet) look() {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.most = max(n.most, n.open)
	for host, open := range n.of {
		if open > n.mostOf[host] {
			n.mostOf[host] = open
		}
	}
}

func serve(host string, c net.Conn) {
	defer func() { _ = c.Close() }()
	for in := bufio.NewReader(c); ; {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err = in.Discard(int(req.ContentLength)); err != nil {
			return
		}
		status := "201 Created"
		switch {
		case strings.HasPrefix(host, "mute"):
			_, _ = in.ReadByte() // until the other end gives up
			return
		case strings.HasPrefix(host, "slow"):
			status = "429 Too Many Requests"
		}
		time.Sleep(latency)
		if _, err = fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status); err != nil {
			return
		}
	}
}

// matter is what is the matter with the i-th of all origins.
func matter(i int) string {
	switch {
	case i < 30:
		return "dead"
	case i < 60:
		return "slow"
	case i < 63:
		return "mute"
	}
	return "well"
}

// TestThreeThousandOrigins: of 3,000 push servers 30 cannot be reached, 30 answer that it
// is too much, and 3 do not answer, although these 63 get most of the pushes. Each push to
// one of the others takes as long as its server does, as if the 63 were not there; and few
// connections are open.
func TestThreeThousandOrigins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &internet{of: make(map[string]int), mostOf: make(map[string]int), dialled: make(map[string]int)}
		s := newSender(t.Context(), configured(t, `"origins":["*"]`))
		s.origins.open.DialTLSContext = n.dial // without TLS, whose cost is not the matter here
		var all sync.WaitGroup
		var mu sync.Mutex
		fates := make(map[string]map[line.Fate]int)
		send := func(kind string, origin, address int) {
			d := push.Device{
				Token: fmt.Sprintf("https://%s%d.example.com/%d", kind, origin, address), Extra: &push.Extra{Keys: vectorKeys()},
			}
			began := time.Now()
			all.Add(1)
			s.line.Start(t.Context(), s.call(d, &message{text: []byte("{}"), kind: kindData, ttl: "60", urgency: "normal"}), func(a line.Answer) {
				took := time.Since(began)
				mu.Lock()
				if fates[kind] == nil {
					fates[kind] = make(map[line.Fate]int)
				}
				fates[kind][a.Fate]++
				mu.Unlock()
				if kind == "well" && (a.Fate != line.Accepted || took != latency) {
					t.Errorf("a push to a server that is well: %+v after %s", a, took)
				}
				all.Done()
			})
		}
		for round := range 2 {
			for i := range 3000 {
				send(matter(i), i, round)
				send(matter(i%63), i%63, i)
				send("mute", 60+i%3, 3*i+round)
				time.Sleep(time.Millisecond)
				if i%20 == 0 {
					n.look()
				}
			}
		}
		all.Wait()
		n.look()
		if fates["well"][line.Accepted] != 2*2937 || fates["dead"][line.Again]+fates["slow"][line.Again]+fates["mute"][line.Again] != 2*63+12000 {
			t.Errorf("fates are %v", fates)
		}
		n.mu.Lock()
		for i := range 63 {
			host := matter(i) + strconv.Itoa(i) + ".example.com"
			if n.dialled[host] > 60 || n.mostOf[host] > connsPerOrigin {
				t.Errorf("%s was dialled %d times, and had %d connections at once", host, n.dialled[host], n.mostOf[host])
			}
		}
		if n.most > idleConns+3*connsPerOrigin+2*int(latency/time.Millisecond)+30*connsPerOrigin || n.open > idleConns {
			t.Errorf("%d connections were open at once, and %d are", n.most, n.open)
		}
		n.mu.Unlock()
		time.Sleep(idleAfter + time.Second)
		synctest.Wait()
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.open != 0 {
			t.Errorf("%d connections are open that nothing uses", n.open)
		}
		t.Logf("at most %d connections, fates %v, dead0 dialled %d times", n.most, fates, n.dialled["dead0.example.com"])
		s.origins.close()
	})
}

// TestHeadsAreKept: an origin is shown one claim for hours, which Apple wants, and never
// one that is past; another origin and another key have their own.
func TestHeadsAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := configured(t)
		c.VAPID = append(c.VAPID, c.VAPID[0])
		s := newSender(t.Context(), c)
		defer s.origins.close()
		made := 0
		var last, since time.Time
		o := s.origins.get("https://push.example.com")
		for range 7 * 24 * 60 {
			_, err := o.head(0, time.Now(), func() (*h2post.Head, error) {
				if !since.IsZero() && (time.Since(since) < leastUse || time.Since(since) > mostUse+time.Minute) {
					t.Errorf("the claim is renewed after %s", time.Since(since))
				}
				made++
				last, since = time.Now().Add(claimLife), time.Now()
				return h2post.NewHead("/"), nil
			})
			if err != nil || time.Until(last) < time.Hour-time.Minute {
				t.Fatalf("%v: the claim is good for another %s", err, time.Until(last))
			}
			time.Sleep(time.Minute)
		}
		if made < 7*24/11 || made > 7*24/6+1 {
			t.Errorf("%d claims in a week", made)
		}
		for _, other := range []func() (*h2post.Head, error){
			func() (*h2post.Head, error) {
				return o.head(1, time.Now(), func() (*h2post.Head, error) { made++; return nil, nil })
			},
			func() (*h2post.Head, error) {
				return s.origins.get("https://push.example.org").head(0, time.Now(), func() (*h2post.Head, error) { made++; return nil, nil })
			},
		} {
			before := made
			if _, err := other(); err != nil || made != before+1 {
				t.Errorf("%v: another key or origin shows the same claim", err)
			}
		}
	})
}

// TestEveryConnectionIsGuarded: whatever admits a server, its address is looked at when
// the connection is made, so that no name leads to a private one.
func TestEveryConnectionIsGuarded(t *testing.T) {
	t.Parallel()
	s := newSender(t.Context(), configured(t, `"origins":["*"]`, `"allow_private":["192.168.7.0/24","fd00:7::/32"]`))
	defer s.origins.close()
	ended, end := context.WithCancel(t.Context())
	end()
	for _, addr := range []string{
		"127.0.0.1:443", "10.0.0.1:443", "100.64.0.1:443", "169.254.169.254:80", "192.168.1.1:443", "0.0.0.0:443", "[::1]:443", "[::ffff:127.0.0.1]:443",
		"[fe80::1]:443", "[fd00::1]:443", "[64:ff9b::7f00:1]:443",
	} {
		if _, err := s.origins.open.DialContext(t.Context(), "tcp", addr); err == nil || !strings.Contains(err.Error(), "prohibited") {
			t.Errorf("%s: %v, want that it is refused", addr, err)
		}
		if err := s.origins.guard("tcp4", addr, nil); err == nil {
			t.Errorf("the guard lets %s pass", addr)
		}
	}
	for _, addr := range []string{"192.168.7.1:443", "[fd00:7::1]:443"} {
		if _, err := s.origins.open.DialContext(ended, "tcp", addr); err != nil && strings.Contains(err.Error(), "prohibited") {
			t.Errorf("%s: %v, although it is allowed", addr, err)
		}
	}
	if s.origins.open.Proxy != nil {
		t.Error("a proxy would connect for us")
	}
}

// TestForgottenOrigins: no more are remembered than maxOrigins, those that were asked last.
func TestForgottenOrigins(t *testing.T) {
	t.Parallel()
	s := newSender(t.Context(), configured(t, `"origins":["*"]`))
	defer s.origins.close()
	first := s.origins.get("https://first.example.com")
	second := s.origins.get("https://second.example.com")
	for i := range maxOrigins - 1 {
		s.origins.get(fmt.Sprintf("https://%d.example.com", i))
		if s.origins.get("https://first.example.com") != first {
			t.Fatal("an origin is forgotten that is asked all the time")
		}
	}
	if s.origins.get("https://second.example.com") == second {
		t.Error("too many origins are remembered")
	}
}
