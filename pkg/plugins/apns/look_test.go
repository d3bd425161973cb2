package apns_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fakeapns "github.com/pushworker/pushworker/internal/fake/apns"
	"github.com/pushworker/pushworker/pkg/plugins/apns"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
)

// levels are what a check found, as text.
func levels(found []push.Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, f.Level.String()+" "+f.Check)
	}
	return strings.Join(all, ", ")
}

// TestCheck: a set-up in order is ok, without a push to anybody; with a key that Apple does
// not know it fails, and says what to do; keys that mean nothing here are told.
func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeapns.Options{}, `"webpush":{"enabled":true}`)
	checker := w.Handler.(push.Checker)
	if got := levels(checker.Check(t.Context())); got != "warn sections, ok provider token, ok made-up device, ok clock" {
		t.Errorf("found %s", got)
	}
	if s := w.fake.Stats(); s.Accepted != 0 || s.Requests != 1 {
		t.Errorf("stats are %+v, want one request and no push", s)
	}
	w.fake.Revoke()
	found := checker.Check(t.Context())
	if got := levels(found); got != "warn sections, ok provider token, fail made-up device, ok clock" || !strings.Contains(found[2].Text, "key_id") {
		t.Errorf("found %s: %+v", got, found)
	}
}

// TestKeyFileMissing: the lane waits, and says for what.
func TestKeyFileMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeapns.Options{}, `"key":""`, `"key_file":"/nowhere/key.p8"`)
	w.register(alice, "phone", "")
	err := w.Handle(receiptTo(alice))
	if _, down := errors.AsType[*push.UnavailableError](err); !down || !strings.Contains(err.Error(), "put the .p8 file") {
		t.Errorf("outcome is %v", err)
	}
	if found := w.Handler.(push.Checker).Check(t.Context()); levels(found) != "fail provider token" {
		t.Errorf("found %+v", found)
	}
	if problem := w.Handler.(push.Stater).State().Problem; problem == nil || !strings.Contains(problem.Error(), "key_file") {
		t.Errorf("problem is %v", problem)
	}
}

// TestKeyFileThatIsNone: a file that is there and holds no key is a fault of the config.
func TestKeyFileThatIsNone(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "AuthKey_ABCDE12345.p8")
	if err := os.WriteFile(file, []byte("secret, but no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := apns.New(&linetest.Directory{}).Init(`{"key_file":"` + file + `","key_id":"ABCDE12345","team_id":"ABCDE12345","topic":"com.example.app"}`)
	if err == nil || !strings.Contains(err.Error(), "key_file") || !strings.Contains(err.Error(), "no key") || strings.Contains(err.Error(), "secret") {
		t.Errorf("Init = %v, want that the file holds no key", err)
	}
}

// TestProbe: without a receipt a stopped lane finds out whether Apple is back, and no
// device that exists is asked.
func TestProbe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rules(t, `{"times":30,"answer":"service-unavailable"}`))
	prober := w.Handler.(push.Prober)
	users := w.crowd(30)
	w.offerAll(users)
	if _, down := errors.AsType[*push.UnavailableError](prober.Probe(t.Context())); !down {
		t.Error("a probe right after the outage began says that Apple works")
	}
	if err := w.fake.SetScript(rules(t, "").Script); err != nil {
		t.Fatal(err)
	}
	before := w.fake.Stats().Requests
	for err := prober.Probe(t.Context()); err != nil; err = prober.Probe(t.Context()) {
		if w.Context().Err() != nil || w.fake.Stats().Requests > before+5 {
			t.Fatal(err)
		}
		select { // as a lane does between two probes
		case <-time.After(100 * time.Millisecond):
		case <-w.Context().Done():
		}
	}
	if w.fake.Stats().Accepted != 0 {
		t.Error("a probe was a push")
	}
}
