package apns

import (
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestAddress: what cannot be a token is refused when it is registered, and not shown;
// upper and lower case are one token.
func TestAddress(t *testing.T) {
	t.Parallel()
	d, err := address("", push.Device{User: bob, ID: "phone", Provider: provider, Token: "A1B2"})
	if err != nil || d.Token != "a1b2" || d.ID != "phone" {
		t.Errorf("it becomes %q of %v: %v", d.Token, d, err)
	}
	for _, token := range []string{"", "a1b", "secret+base64/==", "a1 b2", strings.Repeat("a1", maxToken)} {
		if _, err := address("", push.Device{Token: token}); err == nil || token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("of %q is said: %v", token, err)
		}
	}
}
