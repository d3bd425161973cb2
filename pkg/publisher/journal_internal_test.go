package publisher

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/push"
)

// kept is an entry as it is put into a file.
func kept(number uint64, data string) *entry {
	return &entry{
		number: number, since: time.Unix(0, 1_764_000_000_123_456_789),
		msg: &nats.Msg{Subject: "push.receipts.eu", Header: nats.Header{"Nats-Msg-Id": {"id"}}, Data: []byte(data)},
	}
}

func numbers(c content) (all []uint64) {
	for _, e := range c.puts {
		all = append(all, e.number)
	}
	return all
}

func TestContentIsWhatWasWritten(t *testing.T) {
	t.Parallel()
	var file []byte
	for _, n := range []uint64{3, 1, 2, 4} {
		file = appendPut(file, kept(n, `{"to":{}}`))
	}
	file = appendPut(appendSettled(file, 2), kept(3, `{"to":{}}`)) // again, as after a new file
	c := contentOf(file)
	if got := numbers(c); !slices.Equal(got, []uint64{1, 3, 4}) || c.last != 4 || c.damaged != 0 {
		t.Fatalf("read %v, last %d, %d bytes damaged", got, c.last, c.damaged)
	}
	want, got := kept(1, `{"to":{}}`), c.puts[0]
	if got.msg.Subject != want.msg.Subject || got.msg.Header.Get("Nats-Msg-Id") != "id" ||
		!bytes.Equal(got.msg.Data, want.msg.Data) || !got.since.Equal(want.since) {
		t.Errorf("read %+v %+v", got, got.msg)
	}
}

// FuzzDamagedFile cuts and overwrites a file anywhere: reading it ends well, and finds each receipt
// whose bytes are whole.
func FuzzDamagedFile(f *testing.F) {
	f.Add(uint(0), []byte{}, uint(1000))
	f.Add(uint(3), []byte("garbage"), uint(1000))
	f.Add(uint(150), []byte(mark+"\xff\xff\xff\xff"), uint(300))
	f.Add(uint(70), []byte{0}, uint(71))
	var file []byte
	var ends []int
	for n := range uint64(4) {
		file = appendPut(file, kept(n+1, `{"to":{"1":{}}}`+mark))
		ends = append(ends, len(file))
	}
	f.Fuzz(func(t *testing.T, at uint, garbage []byte, end uint) {
		damaged := slices.Clone(file)
		at = min(at, uint(len(damaged)))
		n := copy(damaged[at:], garbage)
		damaged = damaged[:min(end, uint(len(damaged)))]
		got := numbers(contentOf(damaged))
		begin := 0
		for i, end := range ends {
			whole := end <= len(damaged) && (begin >= int(at)+n || end <= int(at))
			if whole && !slices.Contains(got, uint64(i+1)) {
				t.Errorf("%d of %d bytes, %d bytes overwritten at %d: found %v, not %d", len(damaged), len(file), n, at, got, i+1)
			}
			begin = end
		}
	})
}

// A file that cannot be written keeps nobody from publishing, says so, and has all again when it can.
func TestFileThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("nats://127.0.0.1:1", nats.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	path := filepath.Join(dir, "queue")
	q, err := NewQueue(nc, QueueConfig{File: path})
	if err != nil {
		t.Fatal(err)
	}
	r := &push.Receipt{To: map[push.Uid]push.Recipient{1: {}}}
	if err := errors.Join(q.file.file.Close(), os.Rename(dir, dir+" away")); err != nil { // as if the disk were gone
		t.Fatal(err)
	}
	for range 2 {
		if err := q.Put(t.Context(), r); !errors.Is(err, ErrNotSaved) {
			t.Errorf("put: %v", err)
		}
	}
	if c := q.Counts(); c.Unsaved != 2 || c.Waiting != 2 || c.Lost != 0 {
		t.Errorf("counts are %+v", c)
	}
	if err := os.Rename(dir+" away", dir); err != nil {
		t.Fatal(err)
	}
	if err := q.Put(t.Context(), r); err != nil {
		t.Errorf("put again: %v", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := numbers(contentOf(data)); !slices.Equal(got, []uint64{1, 2, 3}) || q.Counts().Unsaved != 0 {
		t.Errorf("the file has %v, counts are %+v", got, q.Counts())
	}
	ctx, cancel := timeless(t)
	defer cancel()
	if err := q.Close(ctx); err == nil {
		t.Error("Close does not say that receipts remain")
	}
}
