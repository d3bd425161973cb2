package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/blackbox/ledger"
)

// TestCheck: receipts 1 and 2 are to one user each, 3 to both; 1 and 3 were
// confirmed.
func TestCheck(t *testing.T) {
	t.Parallel()
	a := func(seq int, user uint64) ledger.Arrival { return ledger.Arrival{Seq: seq, User: user, Collapse: "k"} }
	everything := []ledger.Arrival{a(1, 7), a(3, 7), a(3, 8)}
	for name, tt := range map[string]struct {
		evidence ledger.Evidence
		want     ledger.Verdict
	}{
		"nothing arrived": {want: ledger.Verdict{Lost: 2, Missing: []int{1, 3}}},
		"all is well":     {ledger.Evidence{Arrivals: everything}, ledger.Verdict{OK: 2, Most: 1}},
		"a lane that carries receipts whole": {
			ledger.Evidence{Arrivals: []ledger.Arrival{{Seq: 1}, {Seq: 3}}}, ledger.Verdict{OK: 2, Most: 1},
		},
		"one of two recipients was not told": {
			ledger.Evidence{Arrivals: everything[:2]}, ledger.Verdict{OK: 1, Lost: 1, Most: 1, Missing: []int{3}},
		},
		"a dead letter is an end": {
			ledger.Evidence{Arrivals: everything[:2], Letters: map[int]int{3: 1}}, ledger.Verdict{OK: 2, Most: 1, Dead: 1},
		},
		"not confirmed, but there": {
			ledger.Evidence{Arrivals: append(everything[:3:3], a(2, 8))}, ledger.Verdict{OK: 2, Recovered: 1, Most: 1},
		},
		"told three times": {
			ledger.Evidence{Arrivals: append(everything[:3:3], a(1, 7), a(1, 7))}, ledger.Verdict{OK: 2, Duplicated: 2, Most: 3},
		},
		"both recipients told again are one copy more": {
			ledger.Evidence{Arrivals: append(everything[:3:3], a(3, 7), a(3, 8))}, ledger.Verdict{OK: 2, Duplicated: 1, Most: 2},
		},
		"never published": {
			ledger.Evidence{Arrivals: append(everything[:3:3], a(4, 7), a(0, 0)), Letters: map[int]int{9: 1}},
			ledger.Verdict{OK: 2, Unexpected: 3, Most: 1, Dead: 1},
		},
		"at somebody else": {
			ledger.Evidence{Arrivals: append(everything[:3:3], a(1, 8))}, ledger.Verdict{OK: 2, Unexpected: 1, Most: 1},
		},
		"a copy that the device would show beside the first": {
			ledger.Evidence{Arrivals: append(everything[:3:3], ledger.Arrival{Seq: 1, User: 7, Collapse: "other"})},
			ledger.Verdict{OK: 2, Unexpected: 1, Duplicated: 1, Most: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := ledger.New()
			for _, users := range [][]uint64{{7}, {8}, {7, 8}} {
				if seq := l.Sent(users); seq != 2 {
					l.Acked(seq)
				}
			}
			tt.want.Sent, tt.want.Acked = 3, 2
			if diff := cmp.Diff(tt.want, l.Check(tt.evidence)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
