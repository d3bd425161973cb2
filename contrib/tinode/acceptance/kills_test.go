package acceptance_test

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// testKills kills worker, broker and chat server in turn while somebody writes. Each
// message that Tinode has taken must reach the recipient's device; and at most as
// many twice as docs/reliability.md allows.
func testKills(t *testing.T, w *world) {
	t.Helper()
	gil := w.open(t, "android", "gil-1").signUp("gil")
	hana := w.open(t, "ios", "hana-1").signUp("hana")
	hana.close()
	gil.join(hana.user, nil)
	for _, fault := range []struct {
		name  string
		bound int // of pushes sent twice
		fault func()
	}{
		{"worker", held + 1, func() { w.worker.end(t, syscall.SIGKILL); pause(); w.startWorker(t) }},
		{"broker", 0, func() { w.nats.end(t, syscall.SIGKILL); pause(); w.startBroker(t) }},
	} {
		taken := writing(t, gil, hana.user, fault.fault)
		lost, twice := w.arrived(t, gil.user, "hana-1", taken)
		counted(t, "%s killed: %d messages, %d lost, %d sent twice (bound %d)", fault.name, len(taken), lost, twice, fault.bound)
		if lost > 0 || twice > fault.bound || len(taken) < 20 {
			t.Errorf("%s killed: of %d messages %d are lost, %d sent twice, bound %d", fault.name, len(taken), lost, twice, fault.bound)
		}
	}
	w.saidOfBroker(t)
	w.killChat(t, gil, hana.user)
}

// saidOfBroker checks that Tinode's log says that the broker was away.
func (w *world) saidOfBroker(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(w.chat.err)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pushworker: the broker cannot be reached", "pushworker: the broker can be reached again"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("Tinode's log does not say %q", want)
		}
	}
}

// killChat kills the chat server while the broker is away and receipts wait in its file.
func (w *world) killChat(t *testing.T, c *client, topic string) {
	t.Helper()
	w.nats.end(t, syscall.SIGKILL)
	taken := writing(t, c, topic, func() {})
	size := func() int64 {
		info, err := os.Stat(w.queue)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	// Between storing a message and handing over its receipt Tinode has it in memory alone.
	for before := int64(-1); before != size(); time.Sleep(time.Second) {
		before = size()
	}
	w.chat.end(t, syscall.SIGKILL)
	w.startChat(t)
	w.startBroker(t)
	lost, twice := w.arrived(t, c.user, "hana-1", taken)
	counted(t, "chat server killed while the broker was away: %d messages, %d lost, %d sent twice (bound 0)", len(taken), lost, twice)
	if lost > 0 || twice > 0 || len(taken) < 20 {
		t.Errorf("chat server killed: of %d messages %d are lost, %d sent twice", len(taken), lost, twice)
	}
}

// pause is how long a program stays away: it is part of the fault, and nothing waits for
// luck.
func pause() { time.Sleep(2 * time.Second) }

// writing has c write to a topic while the fault is caused, and for a second before and
// after. It returns the numbers of the messages that Tinode has taken.
func writing(t *testing.T, c *client, topic string, fault func()) (taken []int) {
	t.Helper()
	var writer sync.WaitGroup
	stop := make(chan struct{})
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			reply, err := c.ask("pub", object{"topic": topic, "noecho": true, "content": "written during a fault"})
			if err != nil {
				return // the chat server is the one that was killed
			}
			if params, ok := reply["params"].(object); ok {
				taken = append(taken, int(params["seq"].(float64)))
			}
		}
	})
	time.Sleep(time.Second)
	fault()
	time.Sleep(time.Second)
	close(stop)
	writer.Wait()
	return taken
}

// arrived waits until all messages of a conversation are at a device, and counts those
// that are not and the copies of those that are.
func (w *world) arrived(t *testing.T, topic, target string, taken []int) (lost, twice int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		count := copies(pushes(t, w.fake), target, topic)
		lost, twice = 0, 0
		for _, seq := range taken {
			if count[seq] == 0 {
				lost++
			}
			twice += max(0, count[seq]-1)
		}
		if lost == 0 || time.Now().After(end) {
			return lost, twice
		}
	}
}
