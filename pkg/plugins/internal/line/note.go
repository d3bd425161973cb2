package line

import "time"

// Note is what a trace says of one request.
type Note struct {
	// Asked is when the request was made; zero if none was, because the answer was known or
	// there was no place. Answered is when its answer came, or its time was up.
	Asked, Answered time.Time
	// Class is the answer's, one of [Classes], or codeInterrupted, and Code its [Answer.Code].
	Class, Code string
}

// codeInterrupted is the class of a request that a stop has cut off; it is no answer.
const codeInterrupted = "interrupted"

// take notes a request and what the provider claims. n may be nil.
func (n *Note) take(a Answer, asked time.Time, took time.Duration, interrupted bool) {
	if n == nil {
		return
	}
	n.Asked, n.Answered, n.Class, n.Code = asked, asked.Add(took), a.class(), a.Code
	if interrupted && !a.Silent {
		n.Class = codeInterrupted
	}
}
