package push_test

import (
	"errors"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestUndeliveredSaysWhatRemains(t *testing.T) {
	t.Parallel()
	one := map[push.Uid]push.Recipient{1: {}}
	two := map[push.Uid]push.Recipient{1: {}, 2: {}}
	for want, e := range map[string]*push.Undelivered{
		"1 recipient remains: busy": {To: one},
		"2 recipients remain: busy": {To: two, Channel: "chnA"},
		"the channel remains: busy": {Channel: "chnA"},
		"0 recipients remain: busy": {},
	} {
		e.Err = errors.New("busy")
		if got := e.Error(); got != want {
			t.Errorf("Error = %q, want %q", got, want)
		}
	}
}
