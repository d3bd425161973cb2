package worker_test

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// A worker that meets a cluster without a leader asks again until there is one, and
// stops without a fault when it is told to meanwhile: start's clean-up sees to that.
func TestWorkerWaitsForALeader(t *testing.T) {
	t.Parallel()
	url, asked := leaderlessBroker(t)
	start(t, url)
	for range 2 {
		select {
		case <-asked:
		case <-time.After(deadline):
			t.Fatal("the worker asks the broker no more")
		}
	}
}

// leaderlessBroker takes one connection and answers every question to JetStream as a
// cluster does that has no leader. asked gets a value for each that is the first again.
func leaderlessBroker(t *testing.T) (url string, asked <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	rounds := make(chan struct{}, 64)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_, _ = c.Write([]byte(`INFO {"server_id":"leaderless","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576,"jetstream":true}` + "\r\n"))
		sid, first := "", ""
		for lines := bufio.NewScanner(c); lines.Scan(); {
			words := strings.Fields(lines.Text())
			switch {
			case len(words) == 0:
			case words[0] == "PING":
				_, _ = c.Write([]byte("PONG\r\n"))
			case words[0] == "SUB":
				sid = words[len(words)-1]
			case len(words) > 3 && strings.HasPrefix(words[1], "$JS.API."):
				const answer = `{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`
				_, _ = fmt.Fprintf(c, "MSG %s %s %d\r\n%s\r\n", words[2], sid, len(answer), answer)
				if first = cmp.Or(first, words[1]); words[1] == first {
					rounds <- struct{}{}
				}
			}
		}
	}()
	return "nats://" + l.Addr().String(), rounds
}
