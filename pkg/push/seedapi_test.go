package push_test

import (
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// This file is a handler and a caller as they were written against the API of Tinode 0.16,
// and nothing else. That it compiles is most of the test.

type seedHandler struct {
	initialized bool
	input       chan *push.Receipt
	stop        chan bool
	lines       chan string
}

type seedConfig struct {
	Enabled bool `json:"enabled"`
	Buffer  int  `json:"buffer"`
}

func (h *seedHandler) Init(jsonconf string) error {
	var config seedConfig
	if err := json.Unmarshal([]byte(jsonconf), &config); err != nil {
		return err
	}
	if !config.Enabled {
		return nil
	}
	h.input = make(chan *push.Receipt, config.Buffer)
	h.stop = make(chan bool, 1)
	h.initialized = true
	go func() {
		for {
			select {
			case msg := <-h.input:
				h.lines <- seedLine(msg)
			case <-h.stop:
				return
			}
		}
	}()
	return nil
}

func (h *seedHandler) IsReady() bool              { return h.initialized }
func (h *seedHandler) Push() chan<- *push.Receipt { return h.input }
func (h *seedHandler) Stop()                      { h.stop <- true }

func seedLine(rcpt *push.Receipt) string {
	var uids []push.Uid
	skip := make(map[string]bool)
	for uid, to := range rcpt.To {
		uids = append(uids, uid)
		for _, deviceID := range to.Devices {
			skip[deviceID] = true
		}
	}
	data := map[string]string{
		"what":   rcpt.Payload.What,
		"topic":  rcpt.Payload.Topic,
		"ts":     rcpt.Payload.Timestamp.Format(time.RFC3339Nano),
		"xfrom":  rcpt.Payload.From,
		"mime":   rcpt.Payload.ContentType,
		"silent": "",
	}
	if rcpt.Payload.Silent {
		data["silent"] = "true"
	}
	switch rcpt.Payload.What {
	case push.ActMsg:
		if content, ok := rcpt.Payload.Content.(string); ok {
			data["content"] = content
		}
	case push.ActSub:
		data["modeWant"] = rcpt.Payload.ModeWant.String()
		data["modeGiven"] = rcpt.Payload.ModeGiven.String()
	}
	return uids[0].UserId() + " " + data["what"] + " " + data["content"] + data["modeWant"]
}

var _ push.Handler = (*seedHandler)(nil)

func TestSeedAPI(t *testing.T) {
	h := &seedHandler{lines: make(chan string, 2)}
	name := rand.Text() // the process-wide registry takes a name once, and tests may run twice
	push.Register(name, h)
	t.Cleanup(func() { h.initialized = false }) // Stop leaves Tinode's handlers ready
	if err := push.Init(`[{"name":"` + name + `","config":{"enabled":true,"buffer":32}}]`); err != nil {
		t.Fatal(err)
	}
	var from, to push.Uid = 0x0123456789abcdef, 0xfedcba9876543210
	receipt := &push.Receipt{
		To: make(map[push.Uid]push.Recipient),
		Payload: push.Payload{
			What: push.ActMsg, Silent: false, Topic: "grpnG99YhENiQU", Timestamp: time.Now(),
			From: from.UserId(), SeqId: 42, ContentType: "", Content: "hello",
		},
	}
	receipt.To[to] = push.Recipient{Delivered: 0, Devices: []string{"dev"}, Unread: 3}
	push.Push(receipt)
	if got, want := <-h.lines, "usrEDJUdpi63P4 msg hello"; got != want {
		t.Errorf("message: %q, want %q", got, want)
	}

	var want, given push.AccessMode = 0x2f, 0xff
	receipt.Payload = push.Payload{What: push.ActSub, ModeWant: want, ModeGiven: given}
	push.Push(receipt)
	if got, want := <-h.lines, "usrEDJUdpi63P4 sub JRWPS"; got != want {
		t.Errorf("subscription: %q, want %q", got, want)
	}
	push.Stop()
	push.Stop()
	push.Stop()
	push.Push(receipt)
}
