package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// embedded starts a worker with its own broker and returns what reaches it.
func embeddedWorker(t *testing.T) (w *program, addr string, env []string) {
	t.Helper()
	dir := t.TempDir()
	addr = address.For(t)
	env = []string{"PUSHWORKER_EMBEDDED_ADDR=" + addr, "PUSHWORKER_DATA_DIR=" + filepath.Join(dir, "data")}
	w = startWorker(t, dir, env...)
	w.ready(patience)
	return w, addr, env
}

// TestSamples: every sample of the wire, published from the command line, comes
// out of the stdout handler once and means the same.
func TestSamples(t *testing.T) {
	t.Parallel()
	w, addr, env := embeddedWorker(t)
	files, err := filepath.Glob("../pkg/push/testdata/v0*.json")
	if err != nil || len(files) < 14 {
		t.Fatalf("found %d samples, %v", len(files), err)
	}
	var want []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, meaning(t, data))
	}
	code, out, errs := command(t, env, append([]string{"publish", "-o", "jsonl", "--msg-id-from", "no.such.member"}, files[0])...)
	if code != 65 {
		t.Errorf("publish with a missing id ended with %d: %s%s", code, out, errs)
	}
	code, out, errs = command(t, env, append([]string{"publish", "-o", "jsonl"}, files...)...)
	if code != 0 || strings.Count(out, `"seq":`) != len(files) {
		t.Fatalf("publish ended with %d: %s%s", code, out, errs)
	}
	conn := connect(t, addr)
	drained(t, conn)
	var got []string
	for _, line := range w.lines() {
		got = append(got, meaning(t, []byte(line)))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what came out (-want +got):\n%s", diff)
	}
}

// meaning is a receipt in one canonical form.
func meaning(t *testing.T, data []byte) string {
	t.Helper()
	r, bad, err := push.Decode(data, push.DefaultLimits())
	if err != nil || len(bad) > 0 {
		t.Fatalf("decode: %v, %v", err, bad)
	}
	text, err := r.AppendJSON(nil, push.KeyText)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGarbage: none of it stops, slows or crashes the worker; each piece has one
// letter with the right reason; the neighbours arrive.
func TestGarbage(t *testing.T) {
	t.Parallel()
	w, addr, env := embeddedWorker(t)
	conn := connect(t, addr)
	pub, err := conn.Publisher(publisher.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pieces := garbage()
	for i, p := range pieces {
		if _, err := pub.PublishRaw(t.Context(), []byte(p.data)); err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		neighbour := fmt.Sprintf(`{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","seq":%d}}`, i+1)
		if _, err := pub.PublishRaw(t.Context(), []byte(neighbour)); err != nil {
			t.Fatal(err)
		}
	}
	drained(t, conn)
	if err := pub.Close(t.Context()); err != nil {
		t.Error(err)
	}
	checkLetters(t, env, pieces)
	var seqs []int
	for _, line := range w.lines() {
		var r push.Receipt
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, r.Payload.SeqId)
	}
	if slices.Sort(seqs); len(seqs) != len(pieces) || seqs[len(seqs)-1] != len(pieces) {
		t.Errorf("%d neighbours came out, want %d", len(seqs), len(pieces))
	}
	w.ready(time.Second)
}

// checkLetters compares what `deadletter` shows with what was thrown in.
func checkLetters(t *testing.T, env []string, pieces []piece) {
	t.Helper()
	code, out, errs := command(t, env, "deadletter", "ls", "--all", "-o", "jsonl")
	if code != 0 {
		t.Fatalf("deadletter ls ended with %d: %s", code, errs)
	}
	reasons := make(map[int]string) // by position among the pieces
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines {
		var l struct {
			Seq, StreamSeq  int
			Reason, Handler string
			Stream          int `json:"stream_seq"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Handler != "" {
			t.Errorf("malformed input has a letter of handler %q, want one for all", l.Handler)
		}
		piece := l.Stream / 2
		reasons[piece] = l.Reason
		_, raw, _ := command(t, env, "deadletter", "show", "--raw", strconv.Itoa(l.Seq))
		if piece < len(pieces) && !bytes.Equal([]byte(raw), []byte(pieces[piece].data)) {
			t.Errorf("%s: the letter holds %d bytes, want the %d published", pieces[piece].name, len(raw), len(pieces[piece].data))
		}
	}
	for i, p := range pieces {
		if reasons[i] != p.reason {
			t.Errorf("%s: reason %q, want %q", p.name, reasons[i], p.reason)
		}
	}
	if len(lines) != len(pieces) {
		t.Errorf("%d letters, want %d", len(lines), len(pieces))
	}
}

type piece struct{ name, data, reason string }

func garbage() []piece {
	keys := make([]string, 100_000/4)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":0`, i)
	}
	return []piece{
		{"empty", "", "malformed"},
		{"not JSON", "hello", "malformed"},
		{"cut off", `{"to":{"782riWdFIwE":{}},"payload":{"what":"ms`, "malformed"},
		{"an array", `[1,2,3]`, "malformed"},
		{"null", `null`, "malformed"},
		{"nesting", strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001), "malformed"},
		{"invalid UTF-8", "{\"payload\":{\"topic\":\"\xff\xfe\"}}", "malformed"},
		{"many keys", `{"payload":{"content":{` + strings.Join(keys, ",") + `}}}`, "malformed"},
		{"wrong types", `{"to":{"782riWdFIwE":{}},"payload":{"seq":"one"}}`, "malformed"},
		{"huge number", `{"payload":{"seq":1e999}}`, "malformed"},
		{"not a number", `{"payload":{"seq":NaN}}`, "malformed"},
		{"bad time", `{"payload":{"ts":"yesterday"}}`, "malformed"},
		{"bad mode", `{"payload":{"want":"XYZ"}}`, "malformed"},
		{"nobody readable", `{"to":{"???":{}},"payload":{"what":"msg"}}`, "malformed"},
		{"too big", `{"payload":{"content":"` + strings.Repeat("x", 1_000_000) + `"}}`, "oversize"},
	}
}
