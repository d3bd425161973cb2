package pushtest

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// entry is a receipt under watch.
type entry struct {
	receipt  *push.Receipt
	taken    atomic.Bool
	outcomes []error // guarded by the ledger's mu
}

// ledger holds the receipts of one check.
type ledger struct {
	mu      sync.Mutex
	entries []*entry
}

// receipt adds a plain receipt.
func (l *ledger) receipt(tb testing.TB) *entry {
	tb.Helper()
	return l.track(tb, &push.Receipt{
		To: map[push.Uid]push.Recipient{1001: {Unread: 3, Devices: []string{"has it"}}},
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpnG99YhENiQU", From: "usr782riWdFIwE", SeqId: 42,
			Timestamp: time.Now().Truncate(time.Millisecond), Content: json.RawMessage(`"hello"`),
		},
	})
}

// track adds r.
func (l *ledger) track(tb testing.TB, r *push.Receipt) *entry {
	tb.Helper()
	e := &entry{receipt: r}
	r.OnDone(func(err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		e.outcomes = append(e.outcomes, err)
		if len(e.outcomes) > 1 {
			tb.Errorf("Done was called again, with %v after %v", err, e.outcomes[0])
		}
		if !e.taken.Load() {
			tb.Error("Done was called for a receipt that was not taken")
		}
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
	return e
}

// settled reports whether every receipt that was taken has its outcome.
func (l *ledger) settled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !slices.ContainsFunc(l.entries, func(e *entry) bool { return e.taken.Load() && len(e.outcomes) == 0 })
}

// outcomes returns what was reported so far.
func (l *ledger) outcomes() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, e := range l.entries {
		errs = append(errs, e.outcomes...)
	}
	return errs
}

// wantContents checks that nobody wrote to the contents of the receipts, which
// were made like those in want.
func (l *ledger) wantContents(tb testing.TB, want []*push.Receipt) {
	tb.Helper()
	for i, e := range l.entries {
		if !reflect.DeepEqual(e.receipt.Payload.Content, want[i].Payload.Content) {
			tb.Errorf("handler wrote to the content of odd receipt %d", i)
		}
	}
}

// oddReceipts are receipts that no handler may stumble over.
func oddReceipts() []*push.Receipt {
	const huge = 1 << 20
	many := make(map[push.Uid]push.Recipient)
	for uid := range push.Uid(10_000) {
		many[uid+1] = push.Recipient{Delivered: -1, Unread: -1, Devices: []string{"", "\x00\u202e"}}
	}
	payloads := []push.Payload{
		{},
		{What: "no such action", Topic: "x", From: "usr"},
		{What: push.ActMsg, Topic: "grp\x1b[2J\n\u202e", From: "\u009b", ContentType: "text/x-drafty", Replace: ":x"},
		{What: push.ActMsg, Content: json.RawMessage(`"` + strings.Repeat("x", huge) + `"`)},
		{What: push.ActMsg, Content: json.RawMessage(strings.Repeat("[", 64) + strings.Repeat("]", 64))},
		{What: push.ActMsg, Content: json.RawMessage("{ \"txt\" :\n12345678901234567890 }"), ContentType: "text/x-drafty"},
		{What: push.ActMsg, Content: json.RawMessage(`null`)},
		{What: push.ActMsg, Content: map[string]any{"txt": "decoded", "n": []any{1.5, nil, true}}},
		{What: push.ActMsg, Content: "\xff not UTF-8"},
		{What: push.ActMsg, Webrtc: "started", AudioOnly: true, Timestamp: time.Now().Add(-1000 * time.Hour)},
		{What: push.ActSub, ModeWant: push.AccessMode(1) << 20, ModeGiven: 0xff, Silent: true},
		{What: push.ActRead, SeqId: -1, Silent: true, Timestamp: time.Now().Add(1000 * time.Hour)},
	}
	var odd []*push.Receipt
	for _, p := range payloads {
		odd = append(odd,
			&push.Receipt{Payload: p, Channel: "chnnG99YhENiQU"},
			&push.Receipt{Payload: p, To: map[push.Uid]push.Recipient{0: {}, 1: {Devices: []string{}}}},
		)
	}
	return append(odd, &push.Receipt{To: many, Payload: push.Payload{What: push.ActMsg}})
}
