package publisher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// slack is how much longer than twice what it keeps the file of a queue may be.
const slack = 4 << 20

// rewriteRest is how long after a failure the file is tried again, if nothing comes before.
const rewriteRest = 5 * time.Second

// journal is the file of a [Queue]: what was put, and what is settled, each as a [frame].
// Its goroutine writes what has come together meanwhile and syncs it once, so that many
// Puts share one fsync. It refuses to know what it keeps.
type journal struct {
	path    string
	lock    *os.File
	live    func() []*entry // what the queue has now, in the order of the Puts
	unsaved atomic.Uint64
	wake    chan struct{}
	over    chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	pending []byte // frames to write
	puts    int    // how many of them are puts
	next    *ticket
	closing bool

	// Of the goroutine.
	file     *os.File
	limit    int64 // of size, before the file is written anew
	size     int64
	behind   bool // something could not be written, or not anew
	unlisted bool // a power cut may bring back the file before this one
	again    *time.Timer
	sync     func(folder string) error // makes a rename last
}

// ticket is a batch of frames that are written together.
type ticket struct {
	done chan struct{}
	err  error // set before done is closed
}

func newTicket() *ticket { return &ticket{done: make(chan struct{})} }

// wait returns when the batch is on the disk, or not. It may be called on nil, without a file.
func (t *ticket) wait() error {
	if t == nil {
		return nil
	}
	<-t.done
	return t.err
}

// openJournal takes the file for this process and returns what it keeps.
func openJournal(path string) (*journal, content, error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, content{}, fmt.Errorf("take the queue's file for this process alone: %w", err)
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator's
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		_ = lock.Close()
		return nil, content{}, fmt.Errorf("read the queue's file: %w", err)
	}
	return &journal{
		path: path, lock: lock, next: newTicket(),
		wake: make(chan struct{}, 1), over: make(chan struct{}), // one wake-up is enough
		sync: syncFolder,
	}, contentOf(data), nil
}

// start writes the file anew, with what is live, and starts the goroutine.
func (j *journal) start(live func() []*entry) error {
	j.live = live
	if err := j.rewrite(); err != nil {
		if j.file != nil {
			_ = j.file.Close()
		}
		_ = j.lock.Close()
		return err
	}
	j.again = time.AfterFunc(time.Hour, j.rouse)
	j.again.Stop()
	go j.run()
	return nil
}

// put has e written; the ticket says when it is.
func (j *journal) put(e *entry) *ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = appendPut(j.pending, e)
	j.puts++
	j.rouse()
	return j.next
}

// settled notes that e need not be kept. It is not synced: after a power cut e may come back,
// and has its dedup id.
func (j *journal) settled(e *entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = appendSettled(j.pending, e.number)
	j.rouse()
}

// has reports whether e is on the disk. It waits until that is known.
func (j *journal) has(e *entry) bool { return e.saved.wait() == nil || j.unsaved.Load() == 0 }

func (j *journal) rouse() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// close writes what is pending and lets go of the file. It may be called more than once.
func (j *journal) close() error {
	j.mu.Lock()
	again := j.closing
	j.closing = true
	j.rouse()
	j.mu.Unlock()
	<-j.over
	if again {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close(), j.lock.Close())
	if err != nil {
		return fmt.Errorf("close the queue's file: %w", err)
	}
	return nil
}

func (j *journal) run() {
	defer close(j.over)
	defer j.again.Stop()
	for range j.wake {
		j.mu.Lock()
		batch, puts, t, closing := j.pending, j.puts, j.next, j.closing
		j.pending, j.puts, j.next = nil, 0, newTicket()
		j.mu.Unlock()
		t.err = j.write(batch, puts)
		if t.err != nil {
			j.behind = true             // also without puts: what is settled must not come back
			j.unsaved.Add(uint64(puts)) //nolint:gosec // never negative
		}
		if j.size > j.limit || j.behind {
			if j.behind = j.rewrite() != nil; j.behind {
				j.again.Reset(rewriteRest)
			} else {
				t.err = nil
				j.unsaved.Store(0)
			}
		}
		close(t.done)
		if closing {
			return
		}
	}
}

// write appends batch, and syncs it if there are puts in it.
func (j *journal) write(batch []byte, puts int) error {
	n, err := j.file.Write(batch)
	j.size += int64(n)
	if err == nil && puts > 0 {
		err = j.file.Sync()
	}
	if err == nil && puts > 0 && j.unlisted {
		err = j.list()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSaved, err)
	}
	return nil
}

// rewrite makes a new file of what is live. The old one stays until the new one is on the disk.
func (j *journal) rewrite() error {
	var data []byte
	for _, e := range j.live() {
		data = appendPut(data, e)
	}
	fresh := j.path + ".new"
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600) //nolint:gosec // the operator's
	if err != nil {
		return fmt.Errorf("write the queue's file: %w", err)
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(fresh, j.path)
	}
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("write the queue's file: %w", err)
	}
	if j.file != nil {
		_ = j.file.Close() // what it had is in the new one
	}
	j.file, j.size, j.limit = f, int64(len(data)), 2*int64(len(data))+slack
	return j.list()
}

// list makes the last rename last.
func (j *journal) list() error {
	err := j.sync(filepath.Dir(j.path))
	if j.unlisted = err != nil; j.unlisted {
		return fmt.Errorf("keep the new name of the queue's file: %w", err)
	}
	return nil
}

// syncFolder makes a rename last.
func syncFolder(name string) error {
	dir, err := os.Open(name) //nolint:gosec // the operator's
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
