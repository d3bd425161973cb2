package doctor

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// scanned is a database whose look-ups read the whole table.
type scanned struct {
	device.Source

	asked int
}

func (s *scanned) Check(context.Context) error { return nil }
func (s *scanned) Close()                      {}

func (s *scanned) Advice(context.Context, []push.Uid) (string, error) {
	s.asked++
	return "create an index", nil
}

// TestSlowLookUpIsAdvised: a database is asked for its plan when a look-up takes more than
// 20 ms, and only then.
func TestSlowLookUpIsAdvised(t *testing.T) {
	t.Parallel()
	users := []push.Uid{1, 2}
	s := &scanned{}
	if found := advice(t.Context(), s, users, 19*time.Millisecond); found != nil || s.asked != 0 {
		t.Errorf("after 19 ms: %v, asked %d times", found, s.asked)
	}
	found := advice(t.Context(), s, users, 30*time.Millisecond)
	if len(found) != 1 || found[0].Level != push.LevelWarn || found[0].Remedy != "create an index" || !strings.Contains(found[0].Text, "2 users took 30ms") {
		t.Errorf("after 30 ms: %+v", found)
	}
	if found := advice(t.Context(), s.Source, users, time.Hour); found != nil {
		t.Errorf("a chat server has no plan: %+v", found)
	}
}

// TestKnownUsers: that none of several users has a device is a warning, and one or two
// may have none.
func TestKnownUsers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		users, with int
		want        push.Level
	}{
		{0, 0, push.LevelOK},
		{2, 0, push.LevelOK},
		{3, 0, push.LevelWarn},
		{1000, 1, push.LevelOK},
	} {
		if f := known(c.users, c.with, time.Millisecond); f.Level != c.want {
			t.Errorf("%d of %d users: %+v", c.with, c.users, f)
		}
	}
}
