package h2post_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"pgregory.net/rapid"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// model is what peers know of all requests, and what they allow.
type model struct {
	s        *script
	posted   []*posting
	peers    []*modelPeer
	accepted map[string]bool // bodies that a peer has processed
	faults   []string
}

// modelPeer counts what the client has of it.
type modelPeer struct {
	*peer
	m       *model
	limit   int
	initial int64
	window  int64
	streams map[uint32]*modelStream
	last    uint32 // of GOAWAY
	gone    bool
}

type modelStream struct {
	window int64
	body   string
	ended  bool
	over   bool
}

// check counts a frame of the client's. It holds p.mu.
func (p *modelPeer) check(f http2.Frame) {
	id := f.Header().StreamID
	switch f := f.(type) {
	case *http2.HeadersFrame:
		p.streams[id] = &modelStream{window: p.initial, ended: f.StreamEnded()}
		open := 0
		for _, st := range p.streams {
			if !st.over {
				open++
			}
		}
		if open > p.limit {
			p.m.faults = append(p.m.faults, fmt.Sprintf("%d streams are open where %d may be", open, p.limit))
		}
	case *http2.DataFrame:
		st, n := p.streams[id], int64(len(f.Data()))
		st.window, p.window = st.window-n, p.window-n
		if n > 0 && (st.window < 0 || p.window < 0) {
			p.m.faults = append(p.m.faults, fmt.Sprintf("windows of %d and %d bytes", st.window, p.window))
		}
		st.body += string(f.Data())
		st.ended = f.StreamEnded()
	case *http2.RSTStreamFrame:
		p.streams[id].over = true
	}
}

// some returns a stream that is open, and whole if ended is set; 0 if there is none.
func (p *modelPeer) some(t *rapid.T, ended bool) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []uint32
	for id, st := range p.streams {
		if !st.over && (st.ended || !ended) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return 0
	}
	slices.Sort(ids)
	return rapid.SampledFrom(ids).Draw(t, "stream")
}

// body is what a stream has brought.
func (p *modelPeer) body(id uint32) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.streams[id].body
}

func (p *modelPeer) end(id uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streams[id].over = true
}

// step does one thing that the world may do.
func (m *model) step(t *rapid.T) {
	for len(m.s.dialed) > 0 {
		m.greet(t)
	}
	kind := rapid.SampledFrom([]string{"post", "post", "post", "answer", "answer", "process", "reset", "refuse", "goaway", "streams", "window", "update", "updates", "lose", "wait", "cancel", "ping"}).Draw(t, "what")
	switch kind {
	case "post":
		body := strconv.Itoa(len(m.posted)) + ":" + strings.Repeat("x", rapid.SampledFrom([]int{0, 10, 20_000, 70_000}).Draw(t, "size"))
		m.posted = append(m.posted, m.s.post(body, time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds"))*time.Second))
	case "wait":
		time.Sleep(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond)
	case "cancel":
		if len(m.posted) > 0 {
			m.s.client.Cancel(&rapid.SampledFrom(m.posted).Draw(t, "whom").Request)
		}
	default:
		live := slices.DeleteFunc(slices.Clone(m.peers), func(p *modelPeer) bool { return p.gone })
		if len(live) > 0 {
			rapid.SampledFrom(live).Draw(t, "peer").step(t, kind)
		}
	}
	synctest.Wait()
}

// greet lets a connection in.
func (m *model) greet(t *rapid.T) {
	p := &modelPeer{m: m, streams: map[uint32]*modelStream{}, initial: 65_535, window: 65_535, last: 1<<31 - 1}
	p.limit = rapid.IntRange(0, 5).Draw(t, "limit")
	p.peer = m.s.accept(p.check)
	_ = p.WriteSettings(streams(uint32(p.limit)))
	if rapid.IntRange(0, 3).Draw(t, "welcome") == 0 {
		p.last = 0
		_ = p.WriteGoAway(0, http2.ErrCodeNo, nil)
	}
	synctest.Wait()
	m.peers = append(m.peers, p)
}

// step does one thing that a peer may do. Its errors are that the client has gone.
func (p *modelPeer) step(t *rapid.T, kind string) {
	switch kind {
	case "answer", "process":
		id := p.some(t, true)
		if id == 0 || id > p.last {
			return
		}
		p.m.accepted[p.body(id)] = true
		if kind == "answer" {
			p.end(id)
			p.answered(id)
		}
	case "reset", "refuse":
		id := p.some(t, false)
		if id == 0 || p.m.accepted[p.body(id)] && kind == "refuse" {
			return
		}
		p.end(id)
		code := http2.ErrCodeRefusedStream
		if kind == "reset" {
			code = http2.ErrCodeInternal
		}
		_ = p.WriteRSTStream(id, code)
	case "goaway":
		p.goAway(t)
	case "lose":
		p.gone = true
		_ = p.Close()
	case "ping":
		_ = p.WritePing(false, [8]byte{})
	default:
		p.allow(t, kind)
	}
}

func (p *modelPeer) answered(id uint32) {
	if p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(":status= 200"), EndHeaders: true}) == nil {
		_ = p.WriteData(id, true, []byte("done"))
	}
}

// goAway names a stream after which nothing was processed.
func (p *modelPeer) goAway(t *rapid.T) {
	last := uint32(rapid.IntRange(0, 20).Draw(t, "last"))
	p.mu.Lock()
	for id, st := range p.streams {
		if p.m.accepted[st.body] {
			last = max(last, id)
		}
	}
	p.last = min(p.last, last)
	for id, st := range p.streams {
		st.over = st.over || id > p.last
	}
	p.mu.Unlock()
	_ = p.WriteGoAway(p.last, http2.ErrCodeNo, nil)
}

// allow changes what the client may do.
func (p *modelPeer) allow(t *rapid.T, kind string) {
	n := rapid.SampledFrom([]int64{1, 100, 30_000}).Draw(t, "bytes")
	p.mu.Lock()
	id := uint32(0)
	switch kind {
	case "streams":
		p.limit = rapid.IntRange(0, 5).Draw(t, "limit")
	case "window":
		for _, st := range p.streams {
			st.window += n - p.initial
		}
		p.initial = n
	case "updates":
		p.window += n
	}
	limit, initial := p.limit, p.initial
	p.mu.Unlock()
	if kind == "update" {
		if id = p.some(t, false); id == 0 {
			return
		}
		p.mu.Lock()
		p.streams[id].window += n
		p.mu.Unlock()
	}
	if kind == "update" || kind == "updates" {
		_ = p.WriteWindowUpdate(id, uint32(n))
		return
	}
	_ = p.WriteSettings(streams(uint32(limit)), window(uint32(initial)))
}

// TestModel: whatever peers do, each request is completed exactly once; what is called
// unprocessed was processed by nobody; there are no more streams and bytes than the
// peer allows; and no goroutine is left, which the bubble sees to.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var m *model
		play(t, h2post.Options{Repeats: 1, Conns: 3, StreamsPerConn: 4}, func(s *script) {
			m = &model{s: s, accepted: map[string]bool{}}
			for range rapid.IntRange(5, 60).Draw(rt, "steps") {
				m.step(rt)
			}
			time.Sleep(30 * time.Second)
			for _, p := range m.peers {
				_ = p.Close()
			}
			synctest.Wait()
			for len(s.dialed) > 0 {
				_ = (<-s.dialed).Close()
			}
			synctest.Wait()
		})
		for i, r := range m.posted {
			if len(r.got) != 1 {
				rt.Fatalf("request %d was completed %d times: %+v", i, len(r.got), r.got)
			}
			if r.got[0].Outcome == unprocessed && m.accepted[string(r.Body)] {
				rt.Fatalf("request %d was processed, and is called %v", i, r.got[0].Err)
			}
			if r.got[0].Outcome == answered && !m.accepted[string(r.Body)] {
				rt.Fatalf("request %d was answered by nobody", i)
			}
		}
		if len(m.faults) > 0 {
			rt.Fatalf("%.500q", m.faults)
		}
	})
}
