package pushtest_test

import (
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

func TestSuiteAcceptsAdapter(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"defaults":     "",
		"four workers": `{"concurrency":4,"buffer":16}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pushtest.TestHandler(t, pushtest.Subject{
				New: func(testing.TB) (push.Handler, func() int) {
					f := pushtest.AlwaysDelivers()
					return f, f.Count
				},
				Config:  config,
				Invalid: []string{"[]", "{", `{"buffer":"many"}`, `{"timeout":-1}`},
			})
		})
	}
}

func TestSuiteAcceptsSeedStyle(t *testing.T) {
	t.Parallel()
	pushtest.TestHandler(t, pushtest.Subject{
		New: func(testing.TB) (push.Handler, func() int) {
			s := pushtest.SeedStyle()
			return s, func() int { return len(s.Receipts()) }
		},
		Invalid: []string{"{", `{"enabled":1}`},
	})
}
