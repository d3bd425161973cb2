package brokertest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// BreakStore makes an embedded server's store of a stream fail for good: it publishes
// to subject, at url, until no further block can be made in the data directory dir.
func BreakStore(tb testing.TB, url, dir, stream, subject string) {
	tb.Helper()
	takeAway(tb, dir, stream, "msgs")
	js := client(tb, url)
	for range 80 { // blocks have 8 MiB at most
		ctx, cancel := context.WithTimeout(tb.Context(), time.Second)
		_, err := js.Publish(ctx, subject, make([]byte, 512<<10), jetstream.WithRetryAttempts(0))
		cancel()
		if err != nil {
			return
		}
	}
	tb.Fatal("the store takes everything without a directory")
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
