package line

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// TestSilentGroup: of a group that answers nothing few requests are open, and who comes
// when they are does not wait; one that answers is held back by nothing but its limit.
func TestSilentGroup(t *testing.T) {
	o := standard
	o.PerSilent = 3
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		ask := func(p *provider, g *Group, key string) Answer {
			return l.Send(t.Context(), Call{Key: key, Group: g, Do: func(ctx context.Context, answered func(Answer)) {
				go func() { answered(p.ask(ctx, l, key)) }()
			}})
		}
		dead, well := NewGroup("dead", 0), NewGroup("well", 20)
		mute := &provider{answer: func(int, string) reply { return silence }}
		swift := &provider{answer: func(int, string) reply { return reply{latency: 100 * time.Millisecond} }}
		busy := &count{}
		var all sync.WaitGroup
		begin := func(p *provider, g *Group, n int) {
			for i := range n {
				all.Go(func() { busy.add(g, ask(p, g, g.name+strconv.Itoa(i))) })
			}
		}
		begin(mute, dead, 2)
		begin(swift, well, 15)
		time.Sleep(silentAfter + 50*time.Millisecond)
		begin(mute, dead, 40)
		begin(swift, well, 15)
		synctest.Wait()
		if n, m := busy.of(dead), busy.of(well); n != 39 || m != 0 {
			t.Errorf("%d of the silent group and %d of the other are told to come again, want 39 and 0", n, m)
		}
		slow := NewGroup("slow", 0)
		begin(mute, slow, 1)
		time.Sleep(slowAfter + 50*time.Millisecond)
		begin(mute, slow, 40)
		synctest.Wait()
		if n := busy.of(slow); n != 41-standard.InFlight/slowShare {
			t.Errorf("%d of the slow group are told to come again, want all but a quarter of the places", n)
		}
		begin(swift, well, 15)
		synctest.Wait()
		begin(swift, well, 15)
		synctest.Wait()
		if n := busy.of(well); n != 10 {
			t.Errorf("%d beyond the limit of the group are told to come again, want 10", n)
		}
		all.Wait()
	})
}

// count counts by group who was told at once to come again.
type count struct {
	mu   sync.Mutex
	busy map[*Group]int
}

func (c *count) add(g *Group, a Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy == nil {
		c.busy = make(map[*Group]int)
	}
	if a.Code == "busy" && a.Fate == Again && a.Wait == busyWait && !a.Tried && a.Scope == One {
		c.busy[g]++
	}
}

func (c *count) of(g *Group) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy[g]
}

// particular is a request with a path and a field of its own.
type particular struct {
	letter

	path, field string
}

func (p particular) Particulars(f []h2post.Field) (path string, fields []h2post.Field) {
	if p.field != "" {
		f = append(f, h2post.Field{Name: "x-own", Value: p.field})
	}
	return p.path, f
}

// TestParticulars: what is a request's own is sent with it, and never with the next one
// that the wire makes of it.
func TestParticulars(t *testing.T) {
	t.Parallel()
	var got []string
	w := WireOver(h2post.NewNetHTTP(t.Context(), "https://provider.example", 0, roundTrip(func(r *http.Request) (*http.Response, error) {
		got = append(got, r.URL.Path+" "+r.Header.Get("X-Own"))
		return &http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(strings.NewReader(""))}, nil
	})))
	defer w.Close()
	own := letter{claim: yes}
	for _, r := range []Request{particular{own, "/a", "1"}, own, particular{own, "/b", ""}, particular{own, "", "2"}} {
		done := make(chan struct{})
		w.Send(t.Context(), head, r, func(Answer) { close(done) })
		<-done
	}
	if s := strings.Join(got, ","); s != "/a 1,/ ,/b ,/ 2" {
		t.Errorf("the requests are %q", s)
	}
}
