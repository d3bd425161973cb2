package push_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestTwoOfOneTypeShareNoDevice: they would send everything twice. Whether a type sends
// to devices it says itself, and the faults of its configuration come beside that.
func TestTwoOfOneTypeShareNoDevice(t *testing.T) {
	t.Parallel()
	const fault = `handler "b": no key`
	for text, want := range map[string][]string{
		`[{"name":"fcm"},{"name":"b","type":"fcm"}]`: {
			`handler "b": is of type fcm, as handler "fcm" is, and both would send to every device: write under "config" of both`,
		},
		`[{"name":"fcm","config":{"apps":["a"]}},{"name":"b","type":"fcm"}]`: {`both would send to every device`},
		`[{"name":"fcm","config":{"apps":["a"]}},{"name":"b","type":"fcm","config":{"apps":["b","a"]}}]`: {
			`handler "b": has the app "a", as handler "fcm" has: keep it under "apps" of one of the two`,
		},
		`[{"name":"fcm"},{"name":"b","type":"fcm","config":{"fail":true}}]`:                             {fault, `both would send to every device`},
		`[{"name":"a","type":"fcm"},{"name":"b","type":"fcm"},{"name":"c","type":"fcm"}]`:               {`handler "b": is of`, `handler "c": is of type fcm, as handler "a"`, `handler "c": is of type fcm, as handler "b"`},
		`[{"name":"fcm","config":{"apps":["a",""]}},{"name":"b","type":"fcm","config":{"apps":["b"]}}]`: nil,
		`[{"name":"fcm","config":{"enabled":false}},{"name":"b","type":"fcm"}]`:                         nil,
		`[{"name":"fcm"},{"name":"other"}]`:                                                             nil,
		`[{"name":"stdout"},{"name":"b","type":"stdout"}]`:                                              nil,
		`[{"name":"seed"},{"name":"b","type":"stdout"}]`:                                                nil,
		`[{"name":"fcm","config":{"apps":[]}},{"name":"b","type":"fcm","config":{"apps":["a"]}}]`:       {`list the apps, or leave it out`},
	} {
		var r push.Registry
		adapter := func() *push.Adapter {
			return push.Adapt(func(text string) (push.Work, error) {
				if strings.Contains(text, "fail") {
					return push.Work{}, errors.New("no key")
				}
				return push.Work{Handle: func(context.Context, *push.Receipt) error { return nil }}, nil
			})
		}
		r.RegisterType("fcm", func() push.Handler { return adapter().ToDevices() })
		r.RegisterType("other", func() push.Handler { return adapter().ToDevices() })
		r.RegisterType("stdout", func() push.Handler { return adapter() })
		r.Register("seed", adapter())
		err := r.Init(text)
		said := fmt.Sprint(err)
		for _, line := range want {
			if !strings.Contains(said, line) {
				t.Errorf("%s: %v, want %q", text, err, line)
			}
		}
		if (err == nil) != (want == nil) || err != nil && strings.Count(said, "\n") != len(want)-1 {
			t.Errorf("%s: %v, want %d faults", text, err, len(want))
		}
		for name, h := range r.Configured() {
			if err != nil && h.IsReady() {
				t.Errorf("%s: %s runs", text, name)
			}
		}
		r.Stop()
	}
}
