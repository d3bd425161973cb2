package device

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
)

const (
	// few is how many users must have been looked up for a judgement, and many for one
	// about a share.
	few, many = 20, 100
	// jump is by how much the share of users without a device must rise to be told.
	jump = 0.25
	// experience is after how many judgements a usual share is known.
	experience = 5
	// learn is how much of a share becomes the usual one, and doubt how much of one that
	// is told: after an hour it is usual, too.
	learn, doubt = 0.2, 0.02
)

// Coverage counts of how many users a directory was asked, and of how many it knew a
// device of any provider. It finds out when that looks as if the directory were empty,
// or not the one that belongs to the receipts: each such receipt is settled, and
// nothing fails. Count and Problem are safe for concurrent use.
type Coverage struct {
	known, unknown atomic.Uint64
	problem        atomic.Pointer[error]

	// What follows belongs to Judge.
	beforeKnown, beforeUnknown uint64
	usual                      float64
	judged                     int
}

// Count counts a look-up of users, with of them one device or more.
func (c *Coverage) Count(users, with int) {
	c.known.Add(uint64(with)) //nolint:gosec // a number of users
	c.unknown.Add(uint64(max(0, users-with)))
}

// Counts are how many users were looked up so far who have a device, and who have none.
func (c *Coverage) Counts() (known, unknown uint64) { return c.known.Load(), c.unknown.Load() }

// Problem is what Judge has said last.
func (c *Coverage) Problem() error {
	if why := c.problem.Load(); why != nil {
		return *why
	}
	return nil
}

// Judge looks at what was counted since the judgement before, which should be a minute
// ago, and returns what is wrong. When too little was counted the last judgement stands.
func (c *Coverage) Judge() error {
	known, unknown := c.Counts()
	with, without := known-c.beforeKnown, unknown-c.beforeUnknown
	if with+without < few {
		return c.Problem()
	}
	c.beforeKnown, c.beforeUnknown = known, unknown
	why := c.judge(with, without)
	c.problem.Store(&why)
	return why
}

func (c *Coverage) judge(with, without uint64) error {
	share := float64(without) / float64(with+without)
	weight := learn
	var why error
	switch {
	case with == 0:
		return fmt.Errorf("none of the %d users who were looked up last has a device: %w", without, errCoverage)
	case c.judged >= experience && with+without >= many && share > c.usual+jump:
		weight = doubt
		why = fmt.Errorf("%d %% of the %d users who were looked up last have no device, where %d %% are usual: %w",
			percent(share), with+without, percent(c.usual), errCoverage)
	case c.judged == 0:
		weight = 1
	}
	c.usual += weight * (share - c.usual)
	c.judged++
	return why
}

var errCoverage = errors.New("their receipts are settled without a push; compare `pushworker device ls --user UID` with what the chat server knows, and see `pushworker doctor`")

func percent(share float64) int { return int(math.Round(100 * share)) }
