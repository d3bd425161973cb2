package push

// Reacher is a Handler that knows which devices it sends to.
type Reacher interface {
	Handler
	// Reaches reports whether d is one of those, whatever a receipt is about. It asks
	// nobody, and answers after Stop, too.
	Reaches(d Device) bool
}

// Reaches implements [Reacher] with Work.Reaches; without one all devices of the handler's
// provider are.
func (a *Adapter) Reaches(d Device) bool {
	p := a.pool.Load()
	return p != nil && (p.work.Reaches == nil || p.work.Reaches(d))
}
