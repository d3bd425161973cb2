package fcm_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestCredentialsReplaced: wrong credentials are an outage that says what to do,
// and it ends when the file is replaced.
func TestCredentialsReplaced(t *testing.T) {
	t.Parallel()
	fake := startFake(t, fakefcm.Options{})
	good, err := fake.ServiceAccount("project")
	if err != nil {
		t.Fatal(err)
	}
	other, err := startFake(t, fakefcm.Options{}).ServiceAccount("project")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	w := &world{linetest.Desk{T: t, Directory: &linetest.Directory{}}, fake}
	w.Handler = fcm.New(w.Directory)
	w.mustInit(`"project_id":"project","credentials_file":"` + path + `"`)
	w.register(alice, "phone")

	wantDown(t, w.Handle(receiptTo(alice)), "credentials_file")
	replace(t, path, []byte(`{}`))
	w.awaitOutcome("service account", func(err error) bool { return err != nil })
	// The key of another server: ours does not know it.
	replace(t, path, []byte(strings.ReplaceAll(string(other), tokenURI(t, string(other)), tokenURI(t, string(good)))))
	w.awaitOutcome("replace", func(err error) bool { return err != nil })
	replace(t, path, good)
	w.awaitOutcome("", func(err error) bool { return err == nil })
	if n := fake.Count("phone").Requests; n != 1 {
		t.Errorf("%d requests, want one", n)
	}
}

// awaitOutcome handles a receipt again and again until its outcome is as wanted
// and says so.
func (w *world) awaitOutcome(says string, wanted func(error) bool) {
	w.Helper()
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		last = w.Handle(receiptTo(alice))
		if wanted(last) && (last == nil || strings.Contains(last.Error(), says)) {
			return
		}
		w.pause(100 * time.Millisecond)
	}
	w.Fatalf("waited for %q, the last outcome is %v", says, last)
}

func wantDown(t *testing.T, err error, says string) {
	t.Helper()
	if _, ok := errors.AsType[*push.UnavailableError](err); !ok || !strings.Contains(err.Error(), says) {
		t.Errorf("outcome is %v, want an outage that says %q", err, says)
	}
}

// replace puts a file in place of another at once, as operators' tools do.
func replace(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path+".new", text, 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

func tokenURI(t *testing.T, account string) string {
	t.Helper()
	_, rest, ok := strings.Cut(account, `"token_uri"`)
	parts := strings.SplitN(rest, `"`, 3)
	if !ok || len(parts) < 3 {
		t.Fatal("the account has no token_uri")
	}
	return parts[1]
}

// TestPermissionDenied: FCM's own refusal is an outage too, and says what to do.
func TestPermissionDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Projects: []string{"another"}})
	users, _ := w.crowd(50)
	err := w.Handle(receiptTo(users...))
	wantDown(t, err, "enable the Firebase Cloud Messaging API")
	wantDown(t, w.Handle(receiptTo(users...)), "enable the Firebase Cloud Messaging API")
}
