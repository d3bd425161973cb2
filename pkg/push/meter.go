package push

import "time"

// Answered is told of each request that a provider has answered, refused or let hang:
// the class of the answer, and how long it took. It may be called from any goroutine
// and does not block.
type Answered func(class string, took time.Duration)

// Metered is a Handler that measures its provider. Both methods are called after Init
// and before the first receipt.
type Metered interface {
	Handler
	// Classes are all that Measure's function will hear of, so that their series exist
	// before the first answer; none when nothing is measured.
	Classes() []string
	// Measure has told told of every answer from now on.
	Measure(told Answered)
}

// Classes implements [Metered] with Work.Classes.
func (a *Adapter) Classes() []string {
	if p := a.pool.Load(); p != nil {
		return p.work.Classes
	}
	return nil
}

// Measure implements [Metered] with Work.Measure.
func (a *Adapter) Measure(told Answered) {
	if p := a.pool.Load(); p != nil && p.work.Measure != nil {
		p.work.Measure(told)
	}
}
