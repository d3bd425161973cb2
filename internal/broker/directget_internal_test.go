package broker

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

// An answer may take as long as it comes: only silence ends it.
func TestAnswerOverASlowLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pause time.Duration
		want  int
		fault error
	}{
		"slow":   {RequestTimeout - time.Millisecond, 10, nil},
		"silent": {RequestTimeout + time.Millisecond, 0, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				messages := make(chan *nats.Msg, 11) // all of them
				var sending sync.WaitGroup
				defer sending.Wait()
				sending.Go(func() {
					for seq := 1; seq <= 11; seq++ {
						time.Sleep(test.pause)
						header := nats.Header{"Nats-Sequence": {strconv.Itoa(seq)}, "Nats-Last-Sequence": {strconv.Itoa(seq - 1)}}
						if seq == 11 {
							header = nats.Header{"Status": {"204"}, "Nats-Last-Sequence": {"10"}, "Nats-Num-Pending": {"0"}}
						}
						messages <- &nats.Msg{Header: header}
					}
				})
				got := 0
				err := readAnswer(t.Context(), messages, nil, "No Results", func(uint64, *nats.Msg) { got++ })
				if got != test.want || !errors.Is(err, test.fault) {
					t.Errorf("%d messages, %v; want %d, %v", got, err, test.want, test.fault)
				}
			})
		})
	}
}
