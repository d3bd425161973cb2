package deadletter

import (
	"errors"
	"fmt"
	"time"
)

// Why a letter cannot be redriven. The texts say what to do instead.
var (
	// ErrNoReceipt is of letters whose bytes are no receipt that a lane can read.
	ErrNoReceipt = errors.New("not a receipt that a lane can read: `deadletter show SEQ --raw`, fix it, `publish` it, then `deadletter drop SEQ`")
	// ErrNoLane is of letters that belong to no lane.
	ErrNoLane = errors.New("belongs to no lane: `deadletter show SEQ --raw`, fix it, `publish` it, then `deadletter drop SEQ`")
	// ErrForeign is of letters that no worker wrote.
	ErrForeign = errors.New("not written by a worker: look at it with `deadletter show SEQ --raw`, then `deadletter drop SEQ`; check who may publish to push.dead.>")
	// ErrCut is of letters that do not have all the bytes.
	ErrCut = errors.New("its bytes were cut to fit into a letter: `deadletter show SEQ --raw` writes all of them while the history has them; `publish` those, then `deadletter drop SEQ`")
	// ErrStale is of letters whose publisher has set a time after which nobody wants
	// them.
	ErrStale = errors.New("expired: the publisher's Push-Expires has passed; `deadletter drop SEQ` removes it")
)

// Redrivable returns why l cannot go back to its lane at now, or nil.
//
// It knows nothing of a handler's own time to live: the lane settles as expired
// what is older.
func (l *Letter) Redrivable(now time.Time) error {
	switch {
	case l.Foreign:
		return ErrForeign
	case l.Reason == "malformed" || l.Reason == "oversize":
		return ErrNoReceipt
	case l.Handler == "":
		return ErrNoLane
	case l.Truncated:
		return ErrCut
	case !l.Expires.IsZero() && !now.Before(l.Expires):
		return fmt.Errorf("%w (%s)", ErrStale, l.Expires.Format(time.RFC3339))
	}
	return nil
}

// Alone reports whether l's receipt has ended processes, so that it is to run alone.
func (l *Letter) Alone() bool { return l.Reason == "crash_loop" }
