package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/pushworker/pushworker/internal/blackbox/ledger"
)

// doubt is what became of pushes whose answers were lost.
type doubt struct {
	// InDoubt are the pushes that the provider has accepted and could not answer, by its
	// own count. No sender can know of them.
	InDoubt int `json:"in_doubt"`
	// Repeated are the pushes that it has accepted again.
	Repeated int `json:"repeated"`
	// Alone are the connections that it has ended one at a time, in the middle of others,
	// and RepeatedAlone the repeated pushes that were first accepted on these.
	Alone         int `json:"alone"`
	RepeatedAlone int `json:"repeated_alone"`
}

// add sums up.
func (d *doubt) add(o doubt) {
	d.InDoubt, d.Repeated = d.InDoubt+o.InDoubt, d.Repeated+o.Repeated
	d.Alone, d.RepeatedAlone = d.Alone+o.Alone, d.RepeatedAlone+o.RepeatedAlone
}

func (d *doubt) String() string {
	return fmt.Sprintf("in doubt by the provider's own count: %d pushes; accepted again: %d, of these %d on %d connections that were lost alone",
		d.InDoubt, d.Repeated, d.RepeatedAlone, d.Alone)
}

// doubted asks the provider, and reads its log.
func (w *world) doubted(ctx context.Context) (d doubt, err error) {
	text, err := call(ctx, http.MethodGet, w.fakeURL+"/fake/stats", "")
	if err != nil {
		return d, err
	}
	var stats struct {
		Unanswered int `json:"unanswered"`
	}
	if err := json.Unmarshal(text, &stats); err != nil {
		return d, fmt.Errorf("read the provider's counters: %w", err)
	}
	d.InDoubt = stats.Unanswered
	// The connection on which a push was accepted last, which is another one when it is repeated.
	on, repeated, alone := make(map[ledger.Arrival]uint64), make(map[uint64]int), make(map[uint64]bool)
	err = lines(w.fake.Out(), func(line []byte) {
		var l providerLine
		_ = json.Unmarshal(line, &l) // what cannot be read is unexpected elsewhere
		if l.Answer == "cut" || l.Answer == "close" {
			alone[l.Conn] = true
		}
		if !l.Accepted {
			return
		}
		push := w.arrival(&l)
		if before, again := on[push]; again {
			repeated[before]++
		}
		on[push] = l.Conn
	})
	for conn, n := range repeated {
		d.Repeated += n
		if alone[conn] {
			d.RepeatedAlone += n
		}
	}
	d.Alone = len(alone)
	return d, err
}
