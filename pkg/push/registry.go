package push

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Registry holds the handlers of a process: those registered, and those of them
// that Init has configured. Its zero value is ready. All methods are safe for
// concurrent use.
//
//	Register ─► Init ─► Push … ─► Stop ─► (Init again)
//
// It differs from Tinode's where Tinode loses work in silence: see Init, Push and
// Stop.
type Registry struct {
	mu         sync.Mutex // guards what follows; held throughout Init
	registered []named
	types      map[string]func() Handler
	up         bool          // Init succeeded and no Stop came since
	down       bool          // Stop, or an Init in vain, came last
	stopped    chan struct{} // closed when the last Stop has done its work; nil before the first
	live       atomic.Pointer[live]
}

type named struct {
	name    string
	handler Handler
}

// live is what Push and Configured read without waiting for Init or Stop.
type live struct {
	targets    []named // what Push offers receipts to
	configured []named // in the config's order
}

// Register adds a handler under a name, which is case-sensitive. It panics if h is
// nil, if the name is taken, or if it is not 1 to 32 letters, digits, "_" and "-":
// a lane's subjects and durables carry the name.
func (r *Registry) Register(name string, h Handler) {
	if h == nil {
		panic("push: register " + name + ": the handler is nil")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.claim(name)
	r.registered = append(r.registered, named{name, h})
	if !r.down {
		r.live.Store(&live{targets: slices.Clone(r.registered), configured: r.configured()})
	}
}

// Init configures handlers from a JSON array of {"name": string, "type": string,
// "config": any}, in its order. Without a type it is the name. An entry of a type makes
// a handler of its own; see [Registry.RegisterType]. A handler gets the text of its config byte for byte, or "" when
// the entry has none. An empty array and null configure nothing.
//
// Two handlers of one type that send to devices ([Divider]) must not share any.
//
// Init reports all faults at once, joined. (Tinode skips a name that it does not
// know, configures a handler twice if it is listed twice, and leaves the first
// handlers running when a later one is refused.) If anything is wrong, Init stops the
// handlers that it has started, in reverse order, and no handler gets a receipt until
// an Init succeeds. A second Init without a
// Stop between is an error and changes nothing.
func (r *Registry) Init(jsconfig string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.up {
		return errors.New("push handlers are already initialised: call Stop before another Init")
	}
	if r.stopped != nil {
		<-r.stopped
	}
	entries, err := parseEntries(jsconfig)
	faults := []error{err}
	var up []named
	var devices division
	for _, e := range entries {
		h, err := r.start(e)
		faults = append(faults, err, devices.take(e, h))
		if err == nil {
			up = append(up, named{e.Name, h})
		}
	}
	if err := errors.Join(faults...); err != nil {
		r.down = true
		r.live.Store(nil)
		for _, n := range slices.Backward(up) {
			n.handler.Stop()
		}
		return err
	}
	r.up, r.down = true, false
	targets := slices.Clone(r.registered)
	for _, n := range up {
		if _, ok := find(targets, n.name); !ok {
			targets = append(targets, n)
		}
	}
	r.live.Store(&live{targets: targets, configured: up})
	return nil
}

// start configures the handler that e names. One that cannot be is returned, too.
func (r *Registry) start(e entry) (Handler, error) {
	h, err := r.instance(e)
	if err != nil {
		return nil, err
	}
	if err := h.Init(string(e.Config)); err != nil {
		return h, &handlerError{e.Name, err}
	}
	return h, nil
}

// Push offers r to every registered handler that is ready, whether configured by
// Init or ready by itself. Each gets a copy of its own ([Receipt.Clone]), so r
// stays the caller's and no two handlers share anything that one may change. A
// handler whose channel would block misses the receipt; nobody else does. Push
// never blocks and never panics; a nil r, and any r after Stop, goes nowhere.
func (r *Registry) Push(msg *Receipt) {
	live := r.live.Load()
	if msg == nil || live == nil {
		return
	}
	for _, n := range live.targets {
		if n.handler.IsReady() {
			offer(n.handler.Push(), msg)
		}
	}
}

// offer sends a copy of r on ch unless that would block or ch is closed.
func offer(ch chan<- *Receipt, r *Receipt) {
	if ch == nil || cap(ch) > 0 && len(ch) == cap(ch) {
		return // spares the copy
	}
	defer func() { _ = recover() }() // a handler may have closed its channel, which it must not
	select {
	case ch <- r.Clone():
	default:
	}
}

// Stop stops every handler that Init configured, and any other that is ready, all
// at the same time, and returns when they have stopped: an [Adapter] hands back
// what it has not started and finishes the rest. It may be called any number of
// times, also concurrently; a call while another is at work waits for it, and one
// with nothing to stop returns at once. Init may follow.
func (r *Registry) Stop() {
	r.mu.Lock()
	r.up, r.down = false, true
	old := r.live.Swap(nil)
	if old != nil {
		r.stopped = make(chan struct{})
	}
	stopped := r.stopped
	r.mu.Unlock()
	if old == nil {
		if stopped != nil {
			<-stopped
		}
		return
	}
	defer close(stopped)
	old.stop()
}

// stop stops all handlers at the same time.
func (l *live) stop() {
	var stopping sync.WaitGroup
	for _, n := range l.targets {
		if _, ok := find(l.configured, n.name); ok || n.handler.IsReady() {
			stopping.Go(n.handler.Stop)
		}
	}
	stopping.Wait()
}

// Configured yields the name and handler of each entry of the config, in the
// config's order, between a successful Init and Stop. A handler whose config
// disables it is among them; it is not ready.
func (r *Registry) Configured() iter.Seq2[string, Handler] {
	return func(yield func(string, Handler) bool) {
		for _, n := range r.configured() {
			if !yield(n.name, n.handler) {
				return
			}
		}
	}
}

func (r *Registry) configured() []named {
	if live := r.live.Load(); live != nil {
		return live.configured
	}
	return nil
}

// names lists the registered names for an operator.
func (r *Registry) names() string {
	if len(r.registered)+len(r.types) == 0 {
		return "none: register one before Init"
	}
	names := slices.Collect(maps.Keys(r.types))
	for _, n := range r.registered {
		names = append(names, n.name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func find(in []named, name string) (Handler, bool) {
	i := slices.IndexFunc(in, func(n named) bool { return n.name == name })
	if i < 0 {
		return nil, false
	}
	return in[i].handler, true
}

// Default is the process-wide registry behind [Register], [Init], [Push] and
// [Stop]. Programs use it in main alone; everything else makes its own Registry.
var Default Registry

// Register adds h to [Default]; see [Registry.Register].
func Register(name string, hnd Handler) { Default.Register(name, hnd) }

// Init configures the handlers of [Default]; see [Registry.Init].
func Init(jsconfig string) error { return Default.Init(jsconfig) }

// Push offers msg to the handlers of [Default]; see [Registry.Push].
func Push(msg *Receipt) { Default.Push(msg) }

// Stop stops the handlers of [Default]; see [Registry.Stop].
func Stop() { Default.Stop() }
