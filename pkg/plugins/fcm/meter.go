package fcm

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// meter counts the connections to FCM and tells of its answers. Its zero value tells
// nobody.
type meter struct {
	told atomic.Pointer[push.Answered]
	open atomic.Int64
}

// classes are the classes of answers, as metrics name them.
func classes() []string {
	return []string{"accepted", "gone", "rejected", "quota", "refused", "unavailable", "platform", "timeout", "network", "other"}
}

// measure is [push.Metered]'s.
func (m *meter) measure(told push.Answered) { m.told.Store(&told) }

// answered tells of one answer.
func (m *meter) answered(a answer, took time.Duration) {
	if told := m.told.Load(); told != nil {
		(*told)(a.class(), took)
	}
}

// class is one of classes: what FCM claims, before there is evidence for it.
func (a answer) class() string {
	switch {
	case a.fate == accepted:
		return "accepted"
	case a.fate == gone:
		return "gone"
	case a.fate == rejected:
		return "rejected"
	case a.silent:
		return "timeout"
	case a.code == "network":
		return "network"
	case strings.HasPrefix(a.code, "quota"):
		return "quota"
	case a.scope == group:
		return "platform"
	case a.closed:
		return "refused"
	case a.scope == all:
		return "unavailable"
	}
	return "other"
}

// dial opens a connection that is counted until it is closed.
func (m *meter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err //nolint:wrapcheck // a dialer passes errors on
	}
	m.open.Add(1)
	return &counted{Conn: c, gone: sync.OnceFunc(func() { m.open.Add(-1) })}, nil
}

// counted is a connection that is counted.
type counted struct {
	net.Conn
	gone func()
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	c.gone()
	return c.Conn.Close() //nolint:wrapcheck // a connection passes errors on
}
