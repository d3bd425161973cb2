package consumer

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// refusalsAlike is how many receipts may be buried for one reason while none is
	// delivered. After one more it is taken for a fault of the configuration.
	refusalsAlike = 20
	// reasonsKept bounds how many reasons are told apart.
	reasonsKept = 64
	// refusalRest is how long a receipt is kept that was refused like all others, so
	// that the next probe is another receipt.
	refusalRest = 10 * time.Second
)

// refusals counts, since a receipt was last delivered, how many were refused for
// good for each reason. One refusal is the receipt's fault; a burst of the same is
// a broken template or a wrong bundle id, and would bury all traffic.
type refusals struct {
	any   atomic.Bool // the only word that the main path reads
	mu    sync.Mutex
	count map[string]int
}

// refusalError is why a lane stops although its provider answers.
type refusalError struct{ why string }

func (e *refusalError) Error() string {
	return fmt.Sprintf("%d receipts were refused for the same reason and none was delivered since: %s; "+
		"correct it, then send what was buried before: pushworker deadletter redrive", refusalsAlike, e.why)
}

// delivered forgets all refusals.
func (r *refusals) delivered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.count)
	r.any.Store(false)
}

// weigh counts err if it is a refusal for good, and returns what is to become of the
// receipt: of too many alike, it is kept.
func (r *refusals) weigh(err error) error {
	refused, ok := errors.AsType[*push.PermanentError](err)
	if !ok {
		return err
	}
	why := refused.Reason
	if why == "" {
		why = refused.Error()
	}
	if r.add(why) <= refusalsAlike {
		return err
	}
	kept := push.Unavailable(push.RetryAfter(&refusalError{why}, refusalRest))
	if part, ok := errors.AsType[*push.Undelivered](err); ok {
		rest := *part
		rest.Err = kept
		return &rest
	}
	return kept
}

// add counts one more refusal for the reason why, and returns how many there are.
func (r *refusals) add(why string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = make(map[string]int)
	}
	if _, known := r.count[why]; !known && len(r.count) >= reasonsKept {
		return 1
	}
	r.count[why]++
	r.any.Store(true)
	return r.count[why]
}
