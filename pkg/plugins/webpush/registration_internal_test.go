package webpush

import (
	"errors"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestWhatNoSubscriptionHas: members of devices that mean nothing here are refused when a
// device is registered, and not found out when nothing arrives.
func TestWhatNoSubscriptionHas(t *testing.T) {
	t.Parallel()
	c := configured(t)
	for name, test := range map[string]struct {
		extra push.Extra
		want  error
	}{
		"as it is":        {push.Extra{}, nil},
		"a key of ours":   {push.Extra{App: "a"}, nil},
		"another key":     {push.Extra{App: "b"}, errApp},
		"calls":           {push.Extra{Kind: "voip"}, errKind},
		"an environment":  {push.Extra{Env: "sandbox"}, errKind},
		"both of a phone": {push.Extra{Kind: "voip", Env: "production"}, errKind},
	} {
		test.extra.Keys = vectorKeys()
		if _, err := canonical(c, push.Device{Token: "https://fcm.googleapis.com/fcm/send/x", Extra: &test.extra}, time.Now()); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}
