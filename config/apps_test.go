package config_test

import (
	"strings"
	"testing"

	"github.com/pushworker/pushworker/config"
)

// TestTwoOfOneTypeShareNoDevice: they would send everything twice.
func TestTwoOfOneTypeShareNoDevice(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[{"name":"fcm"},{"name":"b","type":"fcm"}]`:                                                     `write under "config" of both`,
		`[{"name":"fcm","config":{"apps":["a"]}},{"name":"b","type":"fcm"}]`:                             `both would send to every device`,
		`[{"name":"fcm","config":{"apps":["a"]}},{"name":"b","type":"fcm","config":{"apps":["b","a"]}}]`: `has the app "a", as entry fcm has`,
		`[{"name":"fcm","config":{"apps":["a",""]}},{"name":"b","type":"fcm","config":{"apps":["b"]}}]`:  "",
		`[{"name":"fcm","config":{"enabled":false}},{"name":"b","type":"fcm"}]`:                          "",
		`[{"name":"stdout"},{"name":"b","type":"stdout"}]`:                                               "",
		`[{"name":"fcm","config":{"apps":[]}}]`:                                                          "list the apps, or leave it out",
		`[{"name":"fcm","type":"a b"}]`:                                                                  `has an unknown "type"`,
	} {
		var l config.HandlerList
		err := l.Decode(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
