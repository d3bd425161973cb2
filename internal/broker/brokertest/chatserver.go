package brokertest

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/push"
)

// ChatServer answers push.directory.* from a directory of its own, as a chat server with
// PUSHWORKER_DIRECTORY=nats does.
type ChatServer struct {
	// Devices is what it knows.
	Devices push.Directory
	nc      *nats.Conn
	say     atomic.Pointer[func(request []byte) []byte]
	mu      sync.Mutex
	subs    []*nats.Subscription
	asked   atomic.Int64 // requests on push.directory.get
	most    atomic.Int64 // users of the largest
}

// NewChatServer returns one that answers on nc once it is up.
func NewChatServer(nc *nats.Conn, devices push.Directory) *ChatServer {
	return &ChatServer{nc: nc, Devices: devices}
}

// Say has it answer push.directory.get in this way from now on. An empty answer is
// silence.
func (c *ChatServer) Say(answer func(request []byte) []byte) { c.say.Store(&answer) }

// Asked is how many requests for devices it had, and how many users the largest had.
func (c *ChatServer) Asked() (requests, most int) { return int(c.asked.Load()), int(c.most.Load()) }

// Up has it answer.
func (c *ChatServer) Up(tb testing.TB) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	c.mu.Lock()
	defer c.mu.Unlock()
	for subject, answer := range map[string]func(context.Context, []byte) any{"push.directory.get": c.get, "push.directory.gone": c.gone} {
		sub, err := c.nc.QueueSubscribe(subject, "push-directory", func(m *nats.Msg) {
			if said := reply(answer(ctx, m.Data)); len(said) > 0 {
				_ = m.Respond(said) // its size is refused, as that of anybody's
			}
		})
		if err != nil {
			tb.Fatal(err)
		}
		c.subs = append(c.subs, sub)
	}
	if err := c.nc.Flush(); err != nil {
		tb.Fatal(err)
	}
}

// Down has it not listen any more.
func (c *ChatServer) Down(tb testing.TB) {
	tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, sub := range c.subs {
		if err := sub.Unsubscribe(); err != nil {
			tb.Fatal(err)
		}
	}
	c.subs = nil
	if err := c.nc.Flush(); err != nil {
		tb.Fatal(err)
	}
}

func reply(answer any) []byte {
	if said, ok := answer.([]byte); ok {
		return said
	}
	said, _ := json.Marshal(answer) // its own types
	return said
}

func (c *ChatServer) get(ctx context.Context, request []byte) any {
	var asked struct {
		Users []string `json:"users"`
	}
	if err := json.Unmarshal(request, &asked); err != nil {
		return failed(err)
	}
	c.asked.Add(1)
	c.most.Store(max(c.most.Load(), int64(len(asked.Users))))
	if say := c.say.Load(); say != nil {
		return (*say)(request)
	}
	users := make([]push.Uid, len(asked.Users))
	for i, text := range asked.Users {
		user, err := push.ParseUid(text)
		if err != nil {
			return failed(err)
		}
		users[i] = user
	}
	found, err := c.Devices.Devices(ctx, users, "")
	if err != nil {
		return failed(err)
	}
	lines := []push.Device{}
	for _, list := range found {
		lines = append(lines, list...)
	}
	return map[string]any{"devices": lines}
}

func (c *ChatServer) gone(ctx context.Context, request []byte) any {
	var told struct {
		Device push.Device `json:"device"`
		AsOf   time.Time   `json:"as_of"`
		Reason string      `json:"reason"`
	}
	err := json.Unmarshal(request, &told)
	if err == nil {
		err = c.Devices.Gone(ctx, told.Device, told.AsOf, told.Reason)
	}
	if err != nil {
		return failed(err)
	}
	return map[string]bool{"ok": true}
}

func failed(err error) any {
	return map[string]any{"error": map[string]string{"code": "unavailable", "message": err.Error()}}
}
