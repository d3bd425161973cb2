package content

// A visitor is told the text and the spans of a document in reading order.
type visitor interface {
	// full ends the walk early: no more is wanted.
	full() bool
	// text is part of the text, between two ends of spans.
	text(from, to int)
	// open is the beginning of a span. If it returns false, what is inside is left
	// out: its text and its spans.
	open(s *span) bool
	// close is the end of a span; every open has one.
	close(s *span)
}

// walk goes through the document once: the spans make a tree, as they are sorted.
// A span that only partly overlaps the one before is left out, but for what is no
// text: that belongs to the message as a whole then. There is no
// recursion and each span is looked at once, however deep they nest.
func (d *document) walk(v visitor) {
	w := walker{d: d, v: v}
	for i := range d.spans {
		if v.full() {
			break
		}
		w.next(&d.spans[i])
	}
	w.closeUntil(d.length() + 1)
	w.textUntil(d.length())
}

// walker is the state of a walk.
type walker struct {
	d    *document
	v    visitor
	at   int     // how far the text is told
	open []*span // from outer to inner
}

func (w *walker) next(s *span) {
	if s.at == unplaced {
		w.v.open(s)
		w.v.close(s)
		return
	}
	w.closeUntil(s.at)
	if s.at < w.at { // it is in what has been left out
		return
	}
	if n := len(w.open); n > 0 && s.end > w.open[n-1].end {
		if isThing(s.tp) {
			s.at = unplaced
			w.next(s)
		}
		return
	}
	w.textUntil(s.at)
	if w.v.open(s) {
		w.open = append(w.open, s)
		return
	}
	w.v.close(s)
	w.at = s.end
}

// closeUntil closes the spans that end at or before the position.
func (w *walker) closeUntil(at int) {
	for n := len(w.open); n > 0 && w.open[n-1].end <= at; n-- {
		s := w.open[n-1]
		w.textUntil(s.end)
		w.v.close(s)
		w.open = w.open[:n-1]
	}
}

func (w *walker) textUntil(at int) {
	if at > w.at {
		w.v.text(w.at, at)
		w.at = at
	}
}
