package h2post

import (
	"time"

	"golang.org/x/net/http2"
)

const (
	// maxPending is how much may wait for a writer that is stuck before the peer may
	// not make us say any more.
	maxPending = 256 << 10
	// A peer may send floodBurst frames that bring no answer nearer, floodRate more in
	// each second, and floodEach more with each answer.
	floodBurst, floodRate, floodEach = 1000, 100, 10
)

// flood counts frames that bring no answer nearer.
type flood struct {
	frames int
	since  time.Time
}

// worthless counts one.
func (cn *conn) worthless() error {
	f := &cn.flood
	f.frames++
	if f.frames < floodBurst {
		return nil
	}
	now := time.Now()
	f.frames -= int(min(now.Sub(f.since).Seconds()*floodRate, floodBurst))
	f.since = now
	if f.frames >= floodBurst {
		return wrong(http2.ErrCodeEnhanceYourCalm, "too many frames for nothing")
	}
	return nil
}

func (f *flood) forgive() { f.frames = max(f.frames-floodEach, 0) }

// control has the writer send what the peer makes us say.
func (cn *conn) control() error {
	if len(cn.out.buf) > maxPending {
		return wrong(http2.ErrCodeEnhanceYourCalm, "too much to answer")
	}
	cn.signal()
	return nil
}
