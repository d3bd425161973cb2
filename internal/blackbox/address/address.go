package address

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// The ports lie below those that systems give to outgoing connections and to listeners that
// name none: such a port may be taken between its choice and its use, or while a server is
// stopped, and who dials a free one may even be connected with itself.
const first, last = 10_000, 15_999

// tries is how many ports are looked at before the machine counts as full.
const tries = 1000

var (
	errFull  = errors.New("no free port found")
	errTaken = errors.New("somebody listens there")
)

// Free chooses an address of 127.0.0.1 at which nobody listens. Nobody else who asks here is
// given it before release, in whatever process: the claim is a UDP socket, which is in no
// server's way and does not outlive its process. It ends, too, when nothing refers to release any more.
func Free() (addr string, release func(), err error) {
	err = errFull
	for range tries {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rand.IntN(last-first+1))) //nolint:gosec // no secret
		claim, claimed := net.ListenPacket("udp", addr)                                   //nolint:noctx // it does not wait
		if claimed != nil {
			err = claimed
			continue
		}
		release = func() { _ = claim.Close() } // nothing was sent
		if err = vacant(addr); err == nil {
			return addr, release, nil
		}
		release()
	}
	return "", nil, fmt.Errorf("look for an address in vain: %w", err)
}

// vacant tells whether a server could listen there now. It only looks: a listener of ours would
// stay in the hands of a process that is being started at this moment.
func vacant(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second) //nolint:noctx // it ends by itself
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err == nil {
		err = errors.Join(errTaken, c.Close())
	}
	return err
}

// For is Free until the test has ended, and whatever it starts from now on has been cleaned up.
func For(tb testing.TB) string {
	tb.Helper()
	addr, release, err := Free()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(release)
	return addr
}

// Vacated waits until nobody holds a listener of these addresses any more that this process has
// closed. A process that was being started at that moment still does, until the kernel has closed for it what
// it is not to inherit, which is a little after the start is reported. It gives up after a minute.
func Vacated(addrs ...string) {
	for _, addr := range addrs {
		for end := time.Now().Add(time.Minute); vacant(addr) != nil && time.Now().Before(end); {
			runtime.Gosched()
		}
	}
}
