package fcm_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
)

// torn is a directory in which the record of some users is damaged.
type torn struct {
	*linetest.Directory

	damaged []push.Uid
}

// Devices implements [push.Directory].
func (d *torn) Devices(ctx context.Context, users []push.Uid, provider string) (map[push.Uid][]push.Device, error) {
	found, _ := d.Directory.Devices(ctx, users, provider)
	return found, &push.UnreadableError{Users: d.damaged, Err: errors.New("the list is damaged")}
}

// Whose devices cannot be read, those are not without devices: their share of the
// receipt comes again, and the others get theirs.
func TestDamagedUserWaitsAndOthersAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{})
	token := w.register(alice, "phone")
	account, err := w.fake.ServiceAccount("project")
	if err != nil {
		t.Fatal(err)
	}
	w.Handler = fcm.New(&torn{Directory: w.Directory, damaged: []push.Uid{bob}})
	w.mustInit(`"credentials":` + string(account))

	err = w.Handle(receiptTo(alice, bob))
	part, ok := errors.AsType[*push.Undelivered](err)
	if !ok || len(part.To) != 1 || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("the outcome is %v", err)
	}
	if _, waits := part.To[bob]; !waits {
		t.Errorf("what remains is %v", part.To)
	}
	if _, unavailable := errors.AsType[*push.UnavailableError](err); unavailable {
		t.Error("one user's damage counts as an outage")
	}
	w.wantOnce([]string{token})
	if err = w.Handle(receiptTo(bob)); err == nil || errors.Is(err, push.ErrNotStarted) {
		t.Errorf("for that user alone the outcome is %v", err)
	}
}
