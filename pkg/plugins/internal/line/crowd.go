package line

import (
	"context"
	"sync"
	"time"
)

// rooted is a context that ends with another one, which many share, or at its deadline.
// Those of [push.Adapt] are.
type rooted interface{ Root() context.Context }

// rootOf is what ctx ends with before its deadline; ctx itself unless many share that.
func rootOf(ctx context.Context) context.Context {
	if of, ok := ctx.(rooted); ok {
		return of.Root()
	}
	return ctx
}

// crowd is the posts in flight whose contexts have one root: a single watch for all of
// them, and no timer, since a request has a deadline of its own.
type crowd struct {
	root  context.Context //nolint:containedctx // it outlives all of them
	mu    sync.Mutex
	posts map[*post]struct{} // nil when the root has ended
}

// watch has p given up when ctx ends, until unwatch is called.
func (p *post) watch(ctx context.Context) {
	of, ok := ctx.(rooted)
	if !ok {
		p.req.Latest, p.among = time.Time{}, nil
		p.stop = context.AfterFunc(ctx, p.giveUp)
		return
	}
	p.req.Latest, _ = ctx.Deadline()
	p.among = p.wire.crowdOf(of.Root()) //nolint:contextcheck // it is what ctx ends with
	p.among.add(p)
}

// unwatch reports whether nobody will give p up any more.
func (p *post) unwatch() bool {
	if p.among == nil {
		return p.stop()
	}
	return p.among.remove(p)
}

// crowdOf is that of a root. A wire is used by one handler, which has one.
func (w *Wire) crowdOf(root context.Context) *crowd {
	if c := w.crowd.Load(); c != nil && c.root == root {
		return c
	}
	c := &crowd{root: root, posts: make(map[*post]struct{})}
	context.AfterFunc(root, c.end)
	w.crowd.Store(c)
	return c
}

func (c *crowd) add(p *post) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.posts == nil {
		go p.giveUp()
		return
	}
	c.posts[p] = struct{}{}
}

func (c *crowd) remove(p *post) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, in := c.posts[p]
	delete(c.posts, p)
	return in
}

func (c *crowd) end() {
	c.mu.Lock()
	posts := c.posts
	c.posts = nil
	c.mu.Unlock()
	for p := range posts {
		p.giveUp()
	}
}
