package ledger

import (
	"maps"
	"slices"
	"sync"
)

// Arrival is one piece of evidence that a receipt got through a lane.
type Arrival struct {
	// Seq is the receipt's number, 0 if what arrived is no receipt.
	Seq int
	// User is who it arrived at; 0 says that the lane carries receipts whole.
	User uint64
	// Collapse is the key under which a device shows one of several copies; empty if
	// the lane has none.
	Collapse string
}

// Evidence is all that is known of one lane at the end.
type Evidence struct {
	// Arrivals may be in any order.
	Arrivals []Arrival
	// Letters holds, for each receipt in the dead letters, how many letters it has.
	Letters map[int]int
}

// Verdict counts the receipts of one lane by class.
type Verdict struct {
	Sent  int `json:"sent"`  // tried to publish
	Acked int `json:"acked"` // confirmed
	// OK are confirmed ones that arrived at all their recipients, or are dead letters.
	OK int `json:"ok"`
	// Lost are confirmed ones that did not.
	Lost int `json:"lost"`
	// Unexpected are arrivals of what was never published, at somebody it was not for,
	// or of a copy with another collapse key than the first.
	Unexpected int `json:"unexpected"`
	// Duplicated are copies beyond the first.
	Duplicated int `json:"duplicated"`
	// Recovered are receipts that arrived though their publishing was not confirmed.
	Recovered int `json:"recovered"`
	// Dead are receipts with a dead letter.
	Dead int `json:"dead"`
	// Most is the number of copies of the receipt that has most.
	Most int `json:"most"`
	// Missing are the first few of the lost.
	Missing []int `json:"missing,omitempty"`
}

// shown is how many of the lost are named.
const shown = 10

// Ledger is what was published. Its methods may be called from any goroutine.
type Ledger struct {
	mu    sync.Mutex
	users [][]uint64 // by number, from 1
	acked map[int]bool
}

// New returns an empty Ledger.
func New() *Ledger { return &Ledger{users: make([][]uint64, 1), acked: make(map[int]bool)} }

// Sent notes that a receipt to users is about to be published, and numbers it.
func (l *Ledger) Sent(users []uint64) (seq int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users = append(l.users, users)
	return len(l.users) - 1
}

// Acked notes that the broker has confirmed a receipt.
func (l *Ledger) Acked(seq int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[seq] = true
}

// Confirmed is how many receipts the broker has confirmed.
func (l *Ledger) Confirmed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// fate is what is known of one receipt in a lane.
type fate struct {
	copies   map[uint64]int
	collapse map[uint64]string
}

// Check judges a lane.
func (l *Ledger) Check(e Evidence) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := Verdict{Sent: len(l.users) - 1, Acked: len(l.acked)}
	fates := l.fates(e.Arrivals, &v)
	for seq := range e.Letters {
		if seq < 1 || seq >= len(l.users) {
			v.Unexpected++
		}
	}
	v.Dead = len(e.Letters)
	for seq := range len(l.users) - 1 {
		l.judge(&v, seq+1, fates[seq+1], e.Letters[seq+1] > 0)
	}
	return v
}

// fates sorts arrivals by receipt and counts those that are unexpected.
func (l *Ledger) fates(arrivals []Arrival, v *Verdict) map[int]*fate {
	fates := make(map[int]*fate)
	for _, a := range arrivals {
		if !l.expected(a) {
			v.Unexpected++
			continue
		}
		f := fates[a.Seq]
		if f == nil {
			f = &fate{copies: make(map[uint64]int), collapse: make(map[uint64]string)}
			fates[a.Seq] = f
		}
		if first, seen := f.collapse[a.User]; seen && first != a.Collapse {
			v.Unexpected++
		}
		f.collapse[a.User] = a.Collapse
		f.copies[a.User]++
	}
	return fates
}

// expected reports whether a was published, and for this user.
func (l *Ledger) expected(a Arrival) bool {
	return a.Seq > 0 && a.Seq < len(l.users) && (a.User == 0 || slices.Contains(l.users[a.Seq], a.User))
}

// judge puts one receipt into its classes.
func (l *Ledger) judge(v *Verdict, seq int, f *fate, dead bool) {
	arrived, most := false, 0
	if f != nil {
		arrived = f.copies[0] > 0 || len(f.copies) == len(l.users[seq])
		most = slices.Max(slices.Collect(maps.Values(f.copies)))
	}
	if most > 1 {
		v.Duplicated += most - 1
	}
	v.Most = max(v.Most, most)
	switch {
	case !l.acked[seq]:
		if arrived || dead {
			v.Recovered++
		}
	case arrived || dead:
		v.OK++
	default:
		v.Lost++
		if len(v.Missing) < shown {
			v.Missing = append(v.Missing, seq)
		}
	}
}
