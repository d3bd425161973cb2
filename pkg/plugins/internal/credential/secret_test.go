package credential_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
)

// TestSecretIsHidden: a secret is read and never shown.
func TestSecretIsHidden(t *testing.T) {
	t.Parallel()
	var config struct{ Key credential.Secret }
	if err := json.Unmarshal([]byte(`{"Key":"abc"}`), &config); err != nil || string(config.Key) != "abc" {
		t.Fatalf("read %d bytes, %v", len(config.Key), err)
	}
	text, err := json.Marshal(config)
	if shown := fmt.Sprintf("%s %v %+v %q %x %d", text, config, config, config.Key, config.Key, config.Key); err != nil ||
		shown != `{"Key":"(hidden)"} {(hidden)} {Key:(hidden)} (hidden) (hidden) (hidden)` {
		t.Errorf("shows %s, %v", shown, err)
	}
	if shown := fmt.Sprint(credential.Secret(nil)); shown != "" {
		t.Errorf("none shows %q", shown)
	}
	if err := json.Unmarshal([]byte(`{"Key":123}`), &config); err == nil {
		t.Error("a number was taken")
	}
}
