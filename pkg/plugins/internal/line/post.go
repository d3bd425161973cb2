package line

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

// post is one request on its way; it is used again.
type post struct {
	wire     *Wire
	req      h2post.Request
	stop     func() bool // of the watch of its context
	among    *crowd      // watches instead, if it is not nil
	given    atomic.Bool // up
	onSecond bool
	request  Request
	answered func(Answer)
	answer   *h2post.Answer
	at       time.Time // of the answer
	next     *post     // that is settled after it
}

// postBy has by post the request. What is given up before by has it, by does not see:
// it is cancelled once more.
func (p *post) postBy(by h2post.Poster) {
	by.Post(&p.req)
	if p.given.Load() {
		by.Cancel(&p.req)
	}
}

// giveUp is called when ctx has ended.
func (p *post) giveUp() {
	p.given.Store(true)
	p.wire.first.Cancel(&p.req)
	if p.wire.second != nil {
		p.wire.second.Cancel(&p.req)
	}
}

// done takes the answer, and must not block.
func (p *post) done(a *h2post.Answer) {
	w := p.wire
	if errors.Is(a.Err, h2post.ErrNoHTTP2) && w.second != nil && !p.onSecond {
		w.fallback.Store(time.Now().Add(fallbackFor).UnixNano())
		p.onSecond = true
		p.postBy(w.second)
		return
	}
	p.at, p.answer = time.Now(), a
	w.settlers.add(p)
}

// settle tells what came of it, and gives p back unless somebody may still cancel it.
func (p *post) settle() {
	unused := p.unwatch()
	a, told := p.judge()
	answered := p.answered
	p.request, p.answered, p.stop, p.among, p.answer = nil, nil, nil, nil, nil
	if unused {
		if cap(p.req.Body) > keptBody {
			p.req.Body = nil
		}
		p.wire.posts.Put(p)
	}
	if told {
		answered(a)
	}
}

// keptBody is as large a buffer as is kept for the next body.
const keptBody = 8 << 10

func (p *post) judge() (a Answer, told bool) {
	defer func() {
		if v := recover(); v != nil {
			a, told = panicked(v), true
		}
	}()
	a, told = p.request.Claim(exchangeOf(p.answer))
	a.at = p.at
	return a, told
}
