package fanout

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestRefusalIsForTheRefusedAlone: whoever redrives the letter tells neither those who
// have it nor those who will be tried again.
func TestRefusalIsForTheRefusedAlone(t *testing.T) {
	t.Parallel()
	r := &push.Receipt{To: map[push.Uid]push.Recipient{alice: {Unread: 7, Devices: []string{"web"}}, bob: {Unread: 1}}, Channel: "chnX"}
	to := func(user push.Uid, id string) push.Device { return push.Device{User: user, ID: id} }
	tally := newTally(r)
	tally.note(to(alice, "phone"), line.Answer{Fate: line.Accepted})
	tally.note(to(alice, "tablet"), line.Answer{Fate: line.Rejected, Err: errors.New("odd")})
	tally.note(to(alice, "watch"), line.Answer{Fate: line.Again, Err: errors.New("busy"), Tried: true})
	tally.note(to(bob, "phone"), line.Answer{Fate: line.Accepted})
	tally.note(push.Device{}, line.Answer{Fate: line.Accepted}) // the channel

	part, ok := errors.AsType[*push.Undelivered](tally.outcome())
	if !ok {
		t.Fatalf("outcome is %v", tally.outcome())
	}
	want := map[push.Uid]push.Recipient{alice: {Unread: 7, Devices: []string{"web", "phone", "tablet"}}}
	if diff := cmp.Diff(want, part.To); diff != "" || part.Channel != "" {
		t.Errorf("what is tried again (-want +got):\n%s", diff)
	}
	refused, ok := errors.AsType[*push.Undelivered](part.Rejected)
	if !ok {
		t.Fatalf("rejected is %v, want one that says who", part.Rejected)
	}
	want = map[push.Uid]push.Recipient{alice: {Unread: 7, Devices: []string{"web", "phone", "watch"}}}
	if diff := cmp.Diff(want, refused.To); diff != "" || refused.Channel != "" {
		t.Errorf("what the letter is for (-want +got):\n%s", diff)
	}
}
