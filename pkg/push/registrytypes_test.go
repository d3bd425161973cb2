package push_test

import (
	"context"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestATypeMakesAHandlerForEachEntry: each has its config and its channel, and Push
// reaches all of them.
func TestATypeMakesAHandlerForEachEntry(t *testing.T) {
	t.Parallel()
	var r push.Registry
	var got []string
	r.RegisterType("kind", func() push.Handler {
		return push.Adapt(func(text string) (push.Work, error) {
			got = append(got, text)
			return push.Work{Handle: func(context.Context, *push.Receipt) error { return nil }}, nil
		})
	})
	if err := r.Init(`[{"name":"kind","config":{"_":1}},{"name":"b","type":"kind","config":{"_":2}}]`); err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	var names []string
	var handlers []push.Handler
	for name, h := range r.Configured() {
		names, handlers = append(names, name), append(handlers, h)
	}
	if strings.Join(names, " ") != "kind b" || handlers[0] == handlers[1] || strings.Join(got, " ") != `{"_":1} {"_":2}` {
		t.Errorf("%v with %v, want kind and b, each with its own config", names, got)
	}
}

func TestInitSaysWhatIsWrongWithAType(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[{"name":"a","type":"nothing"}]`:                         `handler "a" has the unknown type "nothing": known are kind, one`,
		`[{"name":"kind","type":"one"}]`:                          `has the name of another type`,
		`[{"name":"a","type":"one"}]`:                             `there is one handler of type "one" only: call it "one"`,
		`[{"name":"a b","type":"kind"}]`:                          `use 1 to 32 letters`,
		`[{"name":"a","type":"kind"},{"name":"a","type":"kind"}]`: `listed a second time`,
	} {
		var r push.Registry
		handler := func() push.Handler {
			return push.Adapt(func(string) (push.Work, error) {
				return push.Work{Handle: func(context.Context, *push.Receipt) error { return nil }}, nil
			})
		}
		r.RegisterType("kind", handler)
		r.Register("one", handler())
		if err := r.Init(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestAHandlerTakesItsApps(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`{}`: "-ab", `{"apps":["a"]}`: "a", `{"apps":["","b"]}`: "-b", `{"apps":["c"]}`: ""} {
		c, err := push.ParseCommon(text)
		if err != nil {
			t.Fatal(err)
		}
		for shown, d := range map[string]push.Device{"-": {}, "a": {Extra: &push.Extra{App: "a"}}, "b": {Extra: &push.Extra{App: "b"}}} {
			if c.Takes(d) != strings.Contains(want, shown) {
				t.Errorf("%s: wrong about the device of app %q", text, shown)
			}
		}
	}
}
