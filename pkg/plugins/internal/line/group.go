package line

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// maxGroups bounds how many groups a line remembers; the one that was asked for
// longest ago is forgotten.
const maxGroups = 1024

// Group is addresses that can fail together and beside others: those of a platform,
// of an app, of a server.
type Group struct {
	name   string
	rest   atomic.Pointer[rest]
	sick   streak       // it cannot be reached; an accepted message ends it
	doubts streak       // its addresses are gone for a reason that may be ours; so does it
	used   atomic.Int64 // requests that are open or wait
}

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
	made := &Group{name: name}
	g.byName[name] = g.order.PushFront(made)
	return made
}
