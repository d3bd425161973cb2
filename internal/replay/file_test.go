package replay_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/replay"
)

func create(t *testing.T, name string, resume bool, offset int64) *replay.File {
	t.Helper()
	f, err := replay.CreateFile(name, resume, offset)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func write(t *testing.T, f *replay.File, text string) {
	t.Helper()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s is %q, %v, want %q", name, got, err, want)
	}
}

func TestFileHasItsNameWhenItIsComplete(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "out")
	f := create(t, name, false, 0)
	write(t, f, "abc")
	wantFile(t, name+".partial", "abc")
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("%s is there before it is complete: %v", name, err)
	}
	if err := f.Complete(); err != nil {
		t.Fatal(err)
	}
	wantFile(t, name, "abc")
	if _, err := os.Stat(name + ".partial"); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", f.Partial(), err)
	}
}

// What was written after the last checkpoint is written again by who goes on.
func TestFileGoesOnAtItsCheckpoint(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "out")
	write(t, create(t, name, false, 0), "abcdef")
	write(t, create(t, name, true, 3), "xy")
	wantFile(t, name+".partial", "abcxy")
	if _, err := replay.CreateFile(name, true, 100); err == nil || !strings.Contains(err.Error(), "begin again") {
		t.Errorf("CreateFile = %v, want that the file is too short", err)
	}
}

func TestFileOverwritesNothing(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "out")
	f := create(t, name, false, 0)
	if _, err := replay.CreateFile(name, false, 0); err == nil || !strings.Contains(err.Error(), "out.partial is left of a replay") {
		t.Errorf("CreateFile = %v, want that there is a partial file", err)
	}
	if err := os.WriteFile(name, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := replay.CreateFile(name, false, 0); err == nil || !strings.Contains(err.Error(), "is not overwritten") {
		t.Errorf("CreateFile = %v, want that the file is there", err)
	}
	if err := f.Complete(); err == nil || !strings.Contains(err.Error(), "the receipts are in "+f.Partial()) {
		t.Errorf("Complete = %v, want that the file is there", err)
	}
	wantFile(t, name, "precious")
}

func TestCheckpointComesBack(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "state")
	if _, ok, err := replay.LoadCheckpoint(name); ok || err != nil {
		t.Errorf("without a file: %t, %v", ok, err)
	}
	want := replay.Checkpoint{
		Query: map[string]string{"user": "usr"}, Last: 9,
		Position: replay.Position{Next: 7, Open: []uint64{3, 5}, Offset: 17}, Tally: replay.Tally{Read: 5},
	}
	for range 2 {
		if err := want.Save(name); err != nil {
			t.Fatal(err)
		}
	}
	got, ok, err := replay.LoadCheckpoint(name)
	if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
		t.Errorf("%t, %v, checkpoint (-want +got):\n%s", ok, err, diff)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
	for _, text := range []string{"", "{}", "x"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := replay.LoadCheckpoint(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("LoadCheckpoint of %q = %v", text, err)
		}
	}
	if err := want.Save(filepath.Join(name, "no", "directory")); err == nil {
		t.Error("Save into no directory succeeds")
	}
}
