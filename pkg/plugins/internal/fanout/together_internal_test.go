package fanout

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// circular is a message that all but odd devices share.
type circular struct{}

func (circular) Device(d push.Device, _ push.Recipient) string {
	if strings.HasPrefix(d.ID, "odd") {
		return "odd"
	}
	return "even"
}
func (circular) Channel() (string, bool, error)     { return "", false, nil }
func (circular) Silent(string, push.Recipient) bool { return false }

// mailer keeps what is sent together, and answers by answer.
type mailer struct {
	*Fanout[string]
	mu     sync.Mutex
	sent   []int // tokens of each request
	answer func(token string) line.Answer
}

func newMailer(d push.Directory, batch, room int, answer func(string) line.Answer) *mailer {
	m := &mailer{answer: answer}
	l := line.New(line.Options{Name: "the mailer", InFlight: 2, Timeout: time.Minute})
	m.Fanout = New(d, Way[string]{
		Name: "the mailer", Line: l, Batch: batch, Room: room,
		Mine:    func(push.Device) bool { return true },
		Prepare: func(*push.Receipt, time.Time) (Renderer[string], error) { return circular{}, nil },
		Call: func(d push.Device, _ string) line.Call {
			return line.Call{Key: d.Token, Do: func(_ context.Context, answered func(line.Answer)) {
				m.note(1)
				answered(answer(d.Token))
			}}
		},
		Together: func(to []push.Device, _ string) line.Call {
			c := line.Call{Do: func(_ context.Context, answered func(line.Answer)) {
				m.note(len(to))
				a := answer(to[0].Token)
				for _, d := range to {
					a.Each = append(a.Each, answer(d.Token))
				}
				answered(a)
			}}
			for _, d := range to {
				c.Keys = append(c.Keys, d.Token)
			}
			return c
		},
	})
	return m
}

func (m *mailer) note(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, n)
}

// street is devices of one user.
func street(ids ...string) town {
	all := town{1: nil}
	for _, id := range ids {
		all[1] = append(all[1], push.Device{User: 1, ID: id, Token: "token-of-" + id})
	}
	return all
}

func toOne() *push.Receipt {
	return &push.Receipt{To: map[push.Uid]push.Recipient{1: {}}, Payload: push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 1}}
}

func taken(string) line.Answer { return line.Answer{Fate: line.Accepted, Tried: true} }

// TestTogether: equal messages share a request, up to the number and the bytes of tokens
// that one takes.
func TestTogether(t *testing.T) {
	t.Parallel()
	houses := street("a", "b", "odd", "c", "d", "e")
	for name, c := range map[string]struct {
		batch, room int
		want        []int
	}{
		"all":   {100, 1000, []int{5, 1}},
		"two":   {2, 1000, []int{2, 1, 2, 1}},
		"bytes": {100, 3 * len("token-of-a"), []int{3, 1, 2}},
		"alone": {0, 0, []int{1, 1, 1, 1, 1, 1}},
	} {
		m := newMailer(houses, c.batch, c.room, taken)
		if err := m.Handle(t.Context(), toOne()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, m.sent); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestEachOfSeveral: each device has its own outcome, and who is told to wait is left out of
// the next request, which the others share.
func TestEachOfSeveral(t *testing.T) {
	t.Parallel()
	m := newMailer(street("dead", "busy", "refused", "a", "b"), 100, 1000, func(token string) line.Answer {
		switch strings.TrimPrefix(token, "token-of-") {
		case "dead":
			return line.Answer{Fate: line.Gone, Tried: true, Err: errors.New("gone")}
		case "busy":
			return line.Answer{Fate: line.Again, Wait: time.Hour, Tried: true, Err: errors.New("busy")}
		case "refused":
			return line.Answer{Fate: line.Rejected, Tried: true, Err: errors.New("refused")}
		}
		return taken(token)
	})
	want := push.Targets{Accepted: 2, Gone: 1, Rejected: 1, Retried: 1}
	for attempt, sent := range [][]int{{5}, {5, 4}} {
		r := toOne()
		err := m.Handle(t.Context(), r)
		if _, part := errors.AsType[*push.Undelivered](err); !part {
			t.Errorf("attempt %d: outcome is %v, want that a part is left", attempt+1, err)
		}
		got, _ := r.Tallied()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("attempt %d (-want +got):\n%s", attempt+1, diff)
		}
		if diff := cmp.Diff(sent, m.sent); diff != "" {
			t.Errorf("attempt %d sent (-want +got):\n%s", attempt+1, diff)
		}
	}
}
