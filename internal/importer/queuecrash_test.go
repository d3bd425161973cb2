package importer_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// These make the test binary a chat server with a queue in a file, to be killed.
const chatFileEnv, chatURLEnv, chatFirstEnv = "PUBLISHER_TEST_CHAT_FILE", "PUBLISHER_TEST_CHAT_URL", "PUBLISHER_TEST_CHAT_FIRST"

// runChat puts one message after the other and prints its number when Put has returned.
func runChat(file string) error {
	seq, err := strconv.Atoi(os.Getenv(chatFirstEnv))
	if err != nil {
		return err
	}
	nc, err := nats.Connect(os.Getenv(chatURLEnv), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		return err
	}
	q, err := publisher.NewQueue(nc, publisher.QueueConfig{File: file})
	if err != nil {
		return err
	}
	for ; ; seq++ {
		if err := q.Put(context.Background(), forUsers(seq, push.Uid(1+seq%5))); err != nil {
			return err
		}
		fmt.Println(seq)
	}
}

// A chat server is killed at random moments, with the broker there and away: what Put has taken
// is stored, once, and in the order of each user.
func TestQueueFileOutlivesKills(t *testing.T) {
	t.Parallel()
	const kills = 12
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	s := stream(t, nc, nil)
	file := filepath.Join(t.TempDir(), "queue")
	said := 0
	for kill := range kills {
		if kill%4 == 1 {
			b.Stop(t)
		}
		if kill%4 == 3 {
			b.Restart(t)
			waitFor(t, "the broker", nc.IsConnected)
		}
		said = runAndKill(t, file, b.URL(), said)
	}
	q := newQueue(t, nc, publisher.QueueConfig{File: file, Lost: func(_ *push.Receipt, err error) { t.Error(err) }})
	t.Logf("%d receipts taken, %d recovered after the last kill, %d bytes torn", said, q.Counts().Recovered, q.Counts().Damaged)
	if err := q.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, m := range stored(t, s) {
		r, _, err := push.Decode(m.Data, push.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		seen[r.Payload.SeqId] = true
	}
	for seq := 1; seq <= said; seq++ {
		if !seen[seq] {
			t.Errorf("%d was taken and is not stored", seq)
		}
	}
	checkOrder(t, s, len(seen))
}

// runAndKill lets a chat server put the messages after said, kills it at a random moment, and returns
// the last one that it may have taken.
func runAndKill(t *testing.T, file, url string, said int) int {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), chatFileEnv+"="+file, chatURLEnv+"="+url, fmt.Sprintf("%s=%d", chatFirstEnv, said+1))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until := said + 1 + rand.IntN(300)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if said, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if said == until {
			_ = cmd.Process.Kill() // while it puts the next one
		}
	}
	_ = cmd.Wait()
	if said < until {
		t.Fatalf("the chat server ended by itself after %d", said)
	}
	return said
}
