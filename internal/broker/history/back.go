package history

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"
)

const (
	// firstPart and greatestPart are how many sequences a part has at first, because many
	// want few, and when it goes on.
	firstPart, greatestPart = 256, 8192
	// partsAhead is how many parts are read at a time.
	partsAhead = 3
)

// Part is what a reading backwards has looked at in one go.
type Part[T any] struct {
	// From and To are the sequences that were looked at.
	From, To uint64
	// First is when the first message of them was stored; zero if there is none.
	First time.Time
	// Picked is what was picked of them, the newest first.
	Picked []T
}

// Back yields the parts of a stretch, the newest first, and stops after the first
// error. Of each message it keeps what pick makes of it, if pick reports true; several
// goroutines call pick.
func Back[T any](ctx context.Context, h *History, s Stretch, pick func(Stored) (T, bool)) iter.Seq2[Part[T], error] {
	return func(yield func(Part[T], error) bool) {
		first, last, err := h.Bounds(ctx, s)
		if err != nil {
			yield(Part[T]{}, err)
			return
		}
		b := backwards[T]{history: h, subject: cmp.Or(s.Subject, ">"), pick: pick, first: first, next: last, size: firstPart}
		defer b.readers.Wait()
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		for b.ask(ctx); len(b.coming) > 0; b.ask(ctx) {
			p := <-b.coming[0]
			b.coming = b.coming[1:]
			if !yield(p.Part, p.err) || p.err != nil {
				return
			}
		}
	}
}

// backwards is a reading on its way back.
type backwards[T any] struct {
	history *History
	subject string
	pick    func(Stored) (T, bool)
	first   uint64
	next    uint64 // the end of the next part
	size    uint64 // of the next part
	coming  []<-chan readPart[T]
	readers sync.WaitGroup
}

// ask begins to read parts until enough are on their way.
func (b *backwards[T]) ask(ctx context.Context) {
	for len(b.coming) < partsAhead && b.next >= b.first {
		p := Part[T]{From: max(b.first, b.next-min(b.next, b.size)+1), To: b.next}
		answer := make(chan readPart[T], 1) // so that a reader ends that nobody waits for
		b.readers.Go(func() { answer <- p.read(ctx, b.history, b.subject, b.pick) })
		b.coming, b.next, b.size = append(b.coming, answer), p.From-1, min(2*b.size, greatestPart)
	}
}

// readPart is a part that was read, or why it was not.
type readPart[T any] struct {
	Part[T]

	err error
}

func (p Part[T]) read(ctx context.Context, h *History, subject string, pick func(Stored) (T, bool)) (out readPart[T]) {
	r := reading{history: h, subject: subject, last: p.To}
	r.run(ctx, p.From, func(m Stored, err error) bool {
		if err != nil {
			out.err = err
			return false
		}
		if p.First.IsZero() {
			p.First = m.Time
		}
		if picked, ok := pick(m); ok {
			p.Picked = append(p.Picked, picked)
		}
		return true
	})
	slices.Reverse(p.Picked)
	out.Part = p
	return out
}
