package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLogLevelChanges: an operator has a running worker log more, and then less again.
func TestLogLevelChanges(t *testing.T) {
	t.Parallel()
	w, _, env := embeddedWorker(t)
	put := func(level string) int {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPut, "http://"+w.admin+"/loglevel", strings.NewReader(level))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req) //nolint:bodyclose // closed does
		if err != nil {
			t.Fatal(err)
		}
		closed(t, resp.Body)
		return resp.StatusCode
	}
	publish := func(seq int) {
		file := filepath.Join(t.TempDir(), "receipt.json")
		receipt := fmt.Sprintf(`{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","topic":"grpnG99YhENiQU","seq":%d}}`, seq)
		if err := os.WriteFile(file, []byte(receipt), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := command(t, env, "publish", file); code != 0 {
			t.Fatalf("publish ended with %d: %s", code, errs)
		}
	}
	publish(1)
	await(t, patience, "the receipt is delivered", func() bool { return len(w.lines()) >= 1 && w.lines()[0] != "" })
	if strings.Contains(w.log(), `"level":"debug"`) {
		t.Error("debug lines are logged before anybody asks for them")
	}
	if code := put("loud"); code != http.StatusBadRequest {
		t.Errorf("a level that is none: %d, want 400", code)
	}
	if code := put("debug"); code != http.StatusOK {
		t.Errorf("debug: %d, want 200", code)
	}
	publish(2)
	await(t, patience, "a debug line", func() bool { return strings.Contains(w.log(), `"level":"debug"`) })
}
