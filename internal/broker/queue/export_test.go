package queue

import (
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
)

// Patient has a source wait for a broker that says nothing longer than a test waits for
// anything. What ends before that was not noticed by silence, however busy the machine is.
func Patient(s *Source) *Source {
	s.heartbeat, s.drainWait = pullExpiry/2, time.Hour
	return s
}

// SetClock lets a scheduler believe that the broker's clock is ahead, and not look again: on a busy
// machine it would at any moment.
func SetClock(s *Scheduler, ahead time.Duration) {
	s.looked = time.Now().Add(time.Hour)
	s.clock.Store(&clock{broker: time.Now().Add(ahead), local: time.Now()})
}

// Clock is the broker's time as a scheduler knows it; ok is false before it has
// asked.
func Clock(s *Scheduler) (now time.Time, ok bool) {
	c := s.clock.Load()
	return c.now(), c != nil
}

// HoldLook keeps everybody else from asking for the fill of the stream of retries.
func HoldLook(s *Scheduler) { s.looking <- struct{}{} }

// ReadAck reads what the subject for an ack says of a delivery.
func ReadAck(subject string) (o consumer.Origin, err error) {
	err = readAck(&o, subject)
	return o, err
}
