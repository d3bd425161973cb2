package publisher

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// opened is a journal whose disk can go away; what is live is the test's to say.
type opened struct {
	*journal
	t       *testing.T
	dir     string
	entries []*entry
}

func openForTest(t *testing.T) *opened {
	t.Helper()
	o := &opened{t: t, dir: filepath.Join(t.TempDir(), "disk")}
	if err := os.Mkdir(o.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	j, _, err := openJournal(filepath.Join(o.dir, "queue"))
	if err != nil {
		t.Fatal(err)
	}
	o.journal = j
	return o
}

func (o *opened) begin() {
	o.t.Helper()
	if err := o.start(func() []*entry { return o.entries }); err != nil {
		o.t.Fatal(err)
	}
}

// add puts an entry and says what its ticket does.
func (o *opened) add(number uint64) error {
	e := kept(number, "{}")
	o.entries = append(slices.Clone(o.entries), e)
	return o.put(e).wait()
}

// drop settles the first entry.
func (o *opened) drop() {
	e := o.entries[0]
	o.entries = o.entries[1:]
	o.settled(e)
}

// want compares what a reader finds in the file.
func (o *opened) want(when string, numbersThere ...uint64) {
	o.t.Helper()
	data, err := os.ReadFile(o.path)
	if err != nil {
		o.t.Fatal(err)
	}
	if got := numbers(contentOf(data)); !slices.Equal(got, numbersThere) {
		o.t.Errorf("%s the file has %v, want %v", when, got, numbersThere)
	}
}

func (o *opened) away(gone bool) {
	o.t.Helper()
	from, to := o.dir, o.dir+" away"
	if !gone {
		from, to = to, from
	}
	if err := os.Rename(from, to); err != nil {
		o.t.Fatal(err)
	}
}

// What was settled while the file could not be written does not come back: it is written with
// what follows, after a while if nothing does, and at the latest at the end.
func TestSettledWhileTheFileCannotBeWritten(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(*opened){
		"another is settled": func(o *opened) { o.drop(); synctest.Wait() },
		"nothing":            func(*opened) { <-time.After(rewriteRest + time.Millisecond) },
		"the end":            func(o *opened) { _ = o.close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := openForTest(t)
				o.begin()
				defer func() { _ = o.close() }()
				for n := range uint64(4) {
					if err := o.add(n + 1); err != nil {
						t.Fatal(err)
					}
				}
				disk := o.file // which takes what is written later; the goroutine waits for a frame
				full, err := os.Open(o.path)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = full.Close() }()
				o.file = full
				o.away(true)
				o.drop()
				synctest.Wait()
				o.drop()
				synctest.Wait()
				o.away(false)
				o.mu.Lock() // for the race detector
				o.file = disk
				o.mu.Unlock()
				then(o)
				left := numbers(content{puts: o.entries})
				o.want("after "+name, left...)
				if n := o.unsaved.Load(); n != 0 {
					t.Errorf("%d are said to be unsaved", n)
				}
			})
		})
	}
}

// A rename that may not last is no loss: what follows goes to the new file, and is said to be
// saved only when the rename is.
func TestRenameThatMayNotLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := openForTest(t)
		errFolder := errors.New("no such luck")
		var fault error
		var mu sync.Mutex
		o.sync = func(string) error {
			mu.Lock()
			defer mu.Unlock()
			return fault
		}
		fail := func(err error) {
			mu.Lock()
			defer mu.Unlock()
			fault = err
		}
		o.begin()
		defer func() { _ = o.close() }()
		if err := o.add(1); err != nil {
			t.Fatal(err)
		}
		fail(errFolder)
		o.limit = 0 // the goroutine waits for a frame
		if err := o.add(2); err != nil {
			t.Errorf("what the old file has: %v", err)
		}
		o.want("with a rename that may not last", 1, 2)
		o.away(true)
		if err := o.add(3); !errors.Is(err, ErrNotSaved) || !errors.Is(err, errFolder) {
			t.Errorf("what only the new file has: %v", err)
		}
		o.away(false)
		o.want("though it says so", 1, 2, 3)
		if n := o.unsaved.Load(); n != 1 {
			t.Errorf("%d are unsaved, want 1", n)
		}
		synctest.Wait()
		fail(nil)
		<-time.After(rewriteRest + time.Millisecond)
		if n := o.unsaved.Load(); n != 0 {
			t.Errorf("%d are unsaved when the rename lasts", n)
		}
		if err := o.add(4); err != nil {
			t.Error(err)
		}
		o.want("in the end", 1, 2, 3, 4)
	})
}
