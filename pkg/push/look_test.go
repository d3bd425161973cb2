package push_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// A handler that has nothing to say says so.
func TestAdapterWithoutCheckAndRoute(t *testing.T) {
	t.Parallel()
	h := adapted(t, "", func(context.Context, *push.Receipt) error { return nil })
	defer h.Stop()
	if found := h.Check(t.Context()); found != nil {
		t.Errorf("Check found %v", found)
	}
	if _, err := h.Route(t.Context(), &push.Receipt{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Route = %v, want ErrUnsupported", err)
	}
}

func TestAdapterChecksAndRoutesWithItsWork(t *testing.T) {
	t.Parallel()
	h := push.Adapt(func(string) (push.Work, error) {
		return push.Work{
			Handle: func(context.Context, *push.Receipt) error { return nil },
			Check:  func(context.Context) []push.Finding { return []push.Finding{{Level: push.LevelWarn, Check: "x"}} },
			Route: func(_ context.Context, r *push.Receipt) ([]push.Route, error) {
				return []push.Route{{Target: push.Target{Channel: r.Channel}}}, nil
			},
		}, nil
	})
	if err := h.Init(""); err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	if found := h.Check(t.Context()); len(found) != 1 || found[0].Level.String() != "warn" {
		t.Errorf("Check found %v", found)
	}
	routes, err := h.Route(t.Context(), &push.Receipt{Channel: "chnOne"})
	if err != nil || len(routes) != 1 || routes[0].Channel != "chnOne" {
		t.Errorf("Route = %v, %v", routes, err)
	}
}
