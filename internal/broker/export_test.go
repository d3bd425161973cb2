package broker

import (
	"context"
	"time"
)

// Keep records once.
func (p *Positions) Keep(ctx context.Context) error { return p.keep(ctx, false) }

// Trim lets a janitor look once.
func (j *Janitor) Trim(ctx context.Context) error { return j.trim(ctx) }

// SetClock lets a scheduler believe for a second that the broker's clock is ahead.
func SetClock(s *Scheduler, ahead time.Duration) {
	s.looked = time.Now()
	s.clock.Store(&clock{broker: time.Now().Add(ahead), local: time.Now()})
}

// Clock is the broker's time as a scheduler knows it; ok is false before it has
// asked.
func Clock(s *Scheduler) (now time.Time, ok bool) {
	c := s.clock.Load()
	return c.now(), c != nil
}

// OneLine is oneLine.
func OneLine(s string, limit int) string { return oneLine(s, limit) }

// Asked is how many messages c has sent to the broker.
func Asked(c *Conn) uint64 { return c.nc.Stats().OutMsgs }

// ProvisionMask has the mask of the devices made.
func ProvisionMask(ctx context.Context, c *Conn) error { return provisionMask(ctx, c) }

// ProvisionBucket has the bucket of the devices made, without a mask.
func ProvisionBucket(ctx context.Context, c *Conn) error {
	_, err := devicesWanted(1).Provision(ctx, c)
	return err
}

// HoldLook keeps everybody else from asking for the fill of the stream of retries.
func HoldLook(s *Scheduler) { s.looking <- struct{}{} }

// IsInbox is isInbox.
func IsInbox(subject string) bool { return isInbox(subject) }
