package line

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// maxGroups bounds how many groups a line remembers; the one that was asked for
// longest ago is forgotten.
const maxGroups = 1024

const (
	// A group that has requests open and answers nothing is slow after slowAfter: it gets
	// slowShare of the line's places at most. After silentAfter it is silent: only PerSilent
	// of its requests are let in. A first answer over a new connection may take a second.
	slowAfter, silentAfter = 500 * time.Millisecond, 3 * time.Second
	slowShare              = 4
)

// Group is addresses that can fail together and beside others: those of a platform,
// of an app, of a server.
type Group struct {
	name   string
	rest   atomic.Pointer[rest]
	sick   streak       // it cannot be reached; an accepted message ends it
	doubts streak       // its addresses are gone for a reason that may be ours; so does it
	most   int          // requests that may be open; 0 for no limit
	used   atomic.Int64 // requests that are open or wait
	heard  atomic.Int64 // when the last answer came, or the first request after idleness went, in Unix ns
}

// NewGroup makes a group that no line remembers: its maker does. Of its requests most may
// be open at the same time, 0 for no limit beside the line's.
func NewGroup(name string, most int) *Group { return &Group{name: name, most: most} }

// enter takes a place, which leave gives back; it is false when there is none for the
// group as it is.
func (g *Group) enter(l *Line, now time.Time) bool {
	n := int(g.used.Add(1))
	if n == 1 {
		g.heard.Store(now.UnixNano())
	}
	full := g.most > 0 && n > g.most
	if !full && l.PerSilent > 0 && n > l.PerSilent {
		quiet := time.Duration(now.UnixNano() - g.heard.Load())
		full = quiet > silentAfter || quiet > slowAfter && n > max(l.PerSilent, l.InFlight/slowShare)
	}
	if full {
		g.leave()
	}
	return !full
}

// hear notes that a came at now, if it is an answer.
func (g *Group) hear(a Answer, now time.Time) {
	if !a.unanswered {
		g.heard.Store(now.UnixNano())
	}
}

func (g *Group) leave() { g.used.Add(-1) }

// groups are the groups of a line.
type groups struct {
	mu     sync.Mutex
	byName map[string]*list.Element
	order  list.List // of *Group; the one that was asked for last is first
}

// Group is the group of that name.
func (l *Line) Group(name string) *Group {
	g := &l.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	if known, ok := g.byName[name]; ok {
		g.order.MoveToFront(known)
		return known.Value.(*Group) //nolint:forcetypeassert // nothing else is in the list
	}
	if g.byName == nil {
		g.byName = make(map[string]*list.Element)
	}
	if g.order.Len() >= maxGroups {
		last := g.order.Remove(g.order.Back()).(*Group) //nolint:forcetypeassert // as above
		delete(g.byName, last.name)
	}
	made := NewGroup(name, l.PerGroup)
	g.byName[name] = g.order.PushFront(made)
	return made
}
