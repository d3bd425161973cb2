package consumer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestOwnNaksAreNoDeaths: what comes back because a store refused it is delivered
// often, and is no suspect for the process that knows why.
func TestOwnNaksAreNoDeaths(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, handler(t, 8, 1, func(context.Context, *push.Receipt) error { return errFault }))
		r.stores.fail(errors.New("no space"))
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.until(time.Minute, "several refusals", func() bool { return len(r.fresh.delays()) >= 5 })
		r.stores.fail(nil)
		r.until(time.Minute, "a retry", func() bool { return len(r.stores.scheduled()) > 0 })
		_ = r.end()
		if s := r.stores.scheduled()[0]; s.Origin.Alone {
			t.Errorf("stored %+v as a suspect, and nothing has crashed", s.Origin)
		}
	})
}
