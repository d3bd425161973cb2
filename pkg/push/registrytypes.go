package push

import (
	"cmp"
	"fmt"
)

// RegisterType adds a type of handlers under a name, of which each entry of the config
// that names it gets one that create makes. Types and handlers share one namespace; it
// panics as [Registry.Register] does. A handler that was registered itself is a type
// with one instance, which has the type's name.
func (r *Registry) RegisterType(name string, create func() Handler) {
	if create == nil {
		panic("push: register " + name + ": the function is nil")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.claim(name)
	if r.types == nil {
		r.types = make(map[string]func() Handler)
	}
	r.types[name] = create
}

// claim panics if name cannot be registered. The caller holds mu.
func (r *Registry) claim(name string) {
	if !isName(name) {
		panic(fmt.Sprintf("push: register %q: use 1 to 32 letters, digits, - and _", name))
	}
	if r.knows(name) {
		panic("push: register " + name + ": the name is taken")
	}
}

func (r *Registry) knows(name string) bool {
	_, registered := find(r.registered, name)
	return registered || r.types[name] != nil
}

// instance is the handler for e, not yet configured.
func (r *Registry) instance(e entry) (Handler, error) {
	kind := cmp.Or(e.Type, e.Name)
	switch h, registered := find(r.registered, kind); {
	case !r.knows(kind) && kind == e.Name:
		return nil, fmt.Errorf("push config: unknown handler %q: known are %s", e.Name, r.names())
	case !r.knows(kind):
		return nil, fmt.Errorf("push config: handler %q has the unknown type %q: known are %s", e.Name, e.Type, r.names())
	case e.Name != kind && r.knows(e.Name):
		return nil, fmt.Errorf("push config: handler %q of type %q has the name of another type: give it a name of its own", e.Name, kind)
	case registered && e.Name != kind:
		return nil, fmt.Errorf("push config: handler %q: there is one handler of type %q only: call it %q", e.Name, kind, kind)
	case registered:
		return h, nil
	}
	return r.types[kind](), nil
}
