package worker_test

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// A worker that is told to stop while a broker without a leader leaves its first
// questions unanswered stops without a fault: start's clean-up sees to that.
func TestWorkerStopsCleanlyWhileItStarts(t *testing.T) {
	t.Parallel()
	url, asked := muteBroker(t)
	start(t, url)
	select {
	case <-asked:
	case <-time.After(deadline):
		t.Fatal("the worker asks the broker for nothing")
	}
}

// muteBroker takes one connection and answers pings; asked is closed when it is
// asked for something of JetStream, which it does not answer.
func muteBroker(t *testing.T) (url string, asked <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	question := make(chan struct{})
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_, _ = c.Write([]byte(`INFO {"server_id":"mute","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576,"jetstream":true}` + "\r\n"))
		heard := false
		for lines := bufio.NewScanner(c); lines.Scan(); {
			if lines.Text() == "PING" {
				_, _ = c.Write([]byte("PONG\r\n"))
			}
			if !heard && strings.Contains(lines.Text(), "$JS.API.") {
				heard = true
				close(question)
			}
		}
	}()
	return "nats://" + l.Addr().String(), question
}
