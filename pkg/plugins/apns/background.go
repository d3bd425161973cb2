package apns

import (
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxBackground bounds how many devices are remembered that got a push which only wakes the
// app; the one whose push is the oldest is forgotten.
const maxBackground = 1 << 16

const superseded = "a newer push that only wakes the app takes its place: iOS allows few of them"

// background has each device get few pushes that only wake the app, of which iOS allows
// "two or three an hour" ("Pushing background updates to your App"): one in each interval, and
// of those that wait for the next the newest.
type background struct {
	every time.Duration
	mu    sync.Mutex // held from a look to the change
	of    *lru.Cache[string, turn]
}

// turn is the last such push of a device.
type turn struct {
	sent   time.Time
	id     string    // its message's
	newest time.Time // when that of the newest was published, sent or waiting
}

func newBackground(every time.Duration) *background {
	of, _ := lru.New[string, turn](maxBackground) // fails for a size of 0 only
	return &background{every: every, of: of}
}

// hold says why m is not to be sent now, and for how long; no time is never. It is
// empty if m is to be sent. An attempt that failed is made again at its own time.
func (b *background) hold(m *message, now time.Time) (why string, wait time.Duration) {
	if kind, _ := m.manner(); kind != kindBackground {
		return "", 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t, _ := b.of.Get(m.token)
	if m.published.Before(t.newest) {
		return superseded, 0
	}
	t.newest = m.published
	if wait = b.every - now.Sub(t.sent); wait > 0 && t.id != m.id {
		b.of.Add(m.token, t)
		return fmt.Sprintf("a push that only wakes the app was sent less than %s ago: this one follows then, or a newer one (background_every)", b.every), wait
	}
	t.sent, t.id = now, m.id
	b.of.Add(m.token, t)
	return "", 0
}
