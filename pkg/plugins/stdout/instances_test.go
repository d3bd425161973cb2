package stdout_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pushworker/pushworker/pkg/plugins/stdout"
	"github.com/pushworker/pushworker/pkg/push"
)

// pieces is a writer that takes what it is given piece by piece, as a pipe does, and
// lets others run in between. Of two writes at a time it would have both in one line.
type pieces struct {
	mu    sync.Mutex
	taken bytes.Buffer
}

func (w *pieces) Write(b []byte) (int, error) {
	const piece = 4 << 10
	for rest := b; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
		w.mu.Lock()
		w.taken.Write(rest[:min(piece, len(rest))])
		w.mu.Unlock()
		runtime.Gosched()
	}
	return len(b), nil
}

// TestLinesOfTwoInstancesStayWhole: both write to the one standard output of their
// process.
func TestLinesOfTwoInstancesStayWhole(t *testing.T) {
	t.Parallel()
	const receipts = 50
	out := new(pieces)
	var registry push.Registry
	registry.RegisterType("stdout", stdout.Type(out))
	if err := registry.Init(`[{"name":"one","type":"stdout","config":{"concurrency":4}},{"name":"two","type":"stdout","config":{"concurrency":4}}]`); err != nil {
		t.Fatal(err)
	}
	var printing sync.WaitGroup
	for name, h := range registry.Configured() {
		for i := range receipts {
			content, err := json.Marshal(strings.Repeat(name, 20<<10))
			if err != nil {
				t.Fatal(err)
			}
			r := &push.Receipt{Payload: push.Payload{What: "msg", Topic: name, SeqId: i + 1, Content: content}}
			printing.Add(1)
			r.OnDone(func(err error) {
				defer printing.Done()
				if err != nil {
					t.Errorf("%s does not print: %v", name, err)
				}
			})
			h.Push() <- r
		}
	}
	printing.Wait()
	registry.Stop()
	seen := make(map[string]bool)
	for line := range bytes.Lines(out.taken.Bytes()) {
		var r push.Receipt
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("a line of %d bytes is torn: %v", len(line), err)
		}
		seen[fmt.Sprint(r.Payload.Topic, r.Payload.SeqId)] = true
	}
	if len(seen) != 2*receipts {
		t.Errorf("%d receipts were printed, want %d", len(seen), 2*receipts)
	}
}
