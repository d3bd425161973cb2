package h2post

import "time"

// outbox gathers what is to be written, while the writer writes what was before.
type outbox struct {
	buf, spare []byte
	handed     uint64    // bytes that were given to the connection
	since      time.Time // when the write began that is not over; zero if there is none
	stuck      bool      // the write takes long
}

func (o *outbox) Write(p []byte) (int, error) {
	o.buf = append(o.buf, p...)
	return len(p), nil
}

// end is where the next byte will be among all that were ever written.
func (o *outbox) end() uint64 { return o.handed + uint64(len(o.buf)) }

func (o *outbox) take() []byte {
	taken := o.buf
	o.handed += uint64(len(taken))
	o.buf, o.spare = o.spare[:0], taken
	return taken
}
