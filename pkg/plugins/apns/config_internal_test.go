package apns

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestPushTypeFaults: a push type that Apple has not, a topic that is not for it, and an aps
// that is none, or that nobody would send, are told.
func TestPushTypeFaults(t *testing.T) {
	t.Parallel()
	key, _ := json.Marshal(string(testKey(t)))
	for keys, want := range map[string]string{
		`"push_type":"widgets","topic":"com.example.app"`:                                                         `key "topic"`,
		`"push_type":"liveactivity","topic":"com.example.app"`:                                                    `key "push_type" is "liveactivity": want one of complication, controls,`,
		`"push_type":"widgets","topic":"com.example.app.push-type.widgets","aps":[]`:                              `key "aps" is no JSON object`,
		`"push_type":"widgets","topic":"com.example.app.push-type.widgets","aps":null`:                            `key "aps"`,
		`"push_type":"pushtotalk","topic":"com.example.app.voip-ptt"`:                                             "",
		`"topic":"com.example.app","aps":{"badge":1}`:                                                             `key "aps" is for a "push_type" alone`,
		`"push_type":"controls","topic":"a.push-type.controls","aps":{"a":"` + strings.Repeat("b", maxAPS) + `"}`: `key "aps"`,
	} {
		_, err := parseConfig(`{"key":` + string(key) + `,"key_id":"ABC123DEFG","team_id":"DEF123GHIJ",` + keys + `}`)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", keys, err, want)
		}
	}
}
