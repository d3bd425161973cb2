package tinode

import (
	"encoding/json"
	"testing"
	"time"

	chat "github.com/tinode/chat/server/push"
	"github.com/tinode/chat/server/store/types"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestReceiptsKeepEverything: what is published is the JSON that Tinode's own type has.
func TestReceiptsKeepEverything(t *testing.T) {
	t.Parallel()
	r := &chat.Receipt{
		To:      map[types.Uid]chat.Recipient{1: {Delivered: 2, Devices: []string{"a"}, Unread: 3}},
		Channel: "chnA",
		Payload: chat.Payload{
			What: chat.ActSub, Silent: true, Topic: "grpA", Timestamp: time.Date(2026, 11, 24, 9, 30, 15, 123e6, time.UTC),
			From: "usrB", SeqId: 4, ContentType: "text/x-drafty", Content: map[string]any{"txt": "<b>"}, Webrtc: "started",
			AudioOnly: true, Replace: ":1", ModeWant: types.ModeCPublic, ModeGiven: types.ModeCFull,
		},
	}
	want, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(receiptOf(r))
	if err != nil {
		t.Fatal(err)
	}
	var a, b map[string]any
	if errors := [2]error{json.Unmarshal(want, &a), json.Unmarshal(got, &b)}; errors != [2]error{} {
		t.Fatal(errors)
	}
	to := a["to"].(map[string]any) // Tinode's own JSON has numbers for keys, which workers read, too
	a["to"] = map[string]any{"AQAAAAAAAAA": to["1"]}
	if a, b := mustMarshal(t, a), mustMarshal(t, b); a != b {
		t.Errorf("Tinode's %s\nours     %s", a, b)
	}
	if receiptOf(r).To[push.Uid(1)].Unread != 3 {
		t.Error("the recipient is somebody else")
	}
}

func mustMarshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
