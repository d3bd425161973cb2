package brokertest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// BreakStore makes an embedded server's store of a stream fail for good, soon after it
// returns: it publishes to subject, at url, more than fits into the block that is open,
// and no other can be made in the data directory dir. It waits for no answer: a server
// that is slow and one whose store has failed do not differ in that.
func BreakStore(tb testing.TB, url, dir, stream, subject string) {
	tb.Helper()
	takeAway(tb, dir, stream, "msgs")
	nc := client(tb, url).Conn()
	for range 40 { // of 20 MiB; blocks have 8 MiB at most
		if err := nc.Publish(subject, make([]byte, 512<<10)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		tb.Fatal(err)
	}
}

// RefuseWrites makes the server store nothing more in a stream.
func (b *Broker) RefuseWrites(tb testing.TB, stream string) {
	tb.Helper()
	js := b.client(tb)
	s, err := js.Stream(tb.Context(), stream)
	if err != nil {
		tb.Fatal(err)
	}
	c := s.CachedInfo().Config
	c.MaxMsgSize = 1
	if _, err := js.UpdateStream(tb.Context(), c); err != nil {
		tb.Fatal(err)
	}
}

// RefuseDurables makes the server fail to make durables of a stream until allow is called.
func (b *Broker) RefuseDurables(tb testing.TB, stream string) (allow func()) {
	tb.Helper()
	return takeAway(tb, b.dir, stream, "obs")
}

// takeAway puts a file at the place of a directory of a stream's store.
func takeAway(tb testing.TB, dir, stream, part string) (giveBack func()) {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", stream, part))
	if err != nil || len(found) != 1 {
		tb.Fatalf("the store has %v, %v", found, err)
	}
	place, aside := found[0], found[0]+".away"
	if err := errors.Join(os.Rename(place, aside), os.WriteFile(place, nil, 0o600)); err != nil {
		tb.Fatal(err)
	}
	return func() {
		tb.Helper()
		if err := errors.Join(os.Remove(place), os.Rename(aside, place)); err != nil {
			tb.Fatal(err)
		}
	}
}
