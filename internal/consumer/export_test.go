package consumer

import "time"

// NewSettled returns begin of a new table of settled messages, which reports whether the
// message is new.
func NewSettled() (begin func(seq uint64, stored time.Time) bool) {
	table := new(settledTable)
	return func(seq uint64, stored time.Time) bool { return table.begin(seq, stored) == unseen }
}
