package push_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/push"
)

var noUnexported = cmpopts.IgnoreUnexported(push.Receipt{})

func laden(content any) *push.Receipt {
	return &push.Receipt{
		To: map[push.Uid]push.Recipient{
			1001: {Delivered: 1, Devices: append(make([]string, 0, 8), "phone"), Unread: 3},
			1002: {Devices: make([]string, 0, 8)},
			1003: {},
		},
		Channel: "chnnG99YhENiQU",
		Payload: push.Payload{
			What: push.ActMsg, Silent: true, Topic: "grpnG99YhENiQU",
			Timestamp: time.Date(2026, 7, 4, 14, 22, 17, 0, time.UTC), From: "usr782riWdFIwE", SeqId: 42,
			ContentType: "text/x-drafty", Content: content, ModeWant: push.ModeJoin, ModeGiven: push.ModeRead,
			Webrtc: "started", AudioOnly: true, Replace: ":41",
		},
	}
}

func TestCloneIsEqual(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]any{
		"none":    nil,
		"raw":     json.RawMessage(`{"txt":"x"}`),
		"bytes":   []byte("x"),
		"text":    "x",
		"number":  42,
		"object":  map[string]any{"a": []any{1.5, nil, map[string]any{"b": true}}},
		"null":    json.RawMessage(nil),
		"refused": func() {}, // no JSON; cmp compares functions only if nil
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := laden(content)
			c := r.Clone()
			if name == "refused" {
				if c.Payload.Content == nil {
					t.Error("content that is no JSON is gone; want it shared")
				}
				return
			}
			if diff := cmp.Diff(r, c, noUnexported); diff != "" {
				t.Errorf("clone differs (-original +clone):\n%s", diff)
			}
		})
	}
	empty := &push.Receipt{}
	if diff := cmp.Diff(empty, empty.Clone(), noUnexported); diff != "" {
		t.Errorf("clone of an empty receipt differs:\n%s", diff)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	type draft struct{ Txt map[string]string }
	for name, fresh := range map[string]func() any{
		"raw":    func() any { return json.RawMessage(`{"txt":"x"}`) },
		"bytes":  func() any { return []byte(`"x"`) },
		"object": func() any { return map[string]any{"a": []any{map[string]any{"b": "c"}}} },
		"struct": func() any { return &draft{Txt: map[string]string{"a": "b"}} },
		"map":    func() any { return map[string]string{"a": "b"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := laden(fresh())
			c := r.Clone()
			before, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}

			switch content := r.Payload.Content.(type) {
			case json.RawMessage:
				content[2] = '!'
			case []byte:
				content[1] = '!'
			case map[string]any:
				content["a"].([]any)[0].(map[string]any)["b"] = "changed"
				content["a"].([]any)[0] = "changed"
				content["new"] = true
			case *draft:
				content.Txt["a"] = "changed"
			case map[string]string:
				content["a"] = "changed"
			}
			r.To[1001].Devices[0] = "changed"
			_ = append(r.To[1002].Devices, "shares the array")
			r.To[1004] = push.Recipient{}
			r.Payload.Topic = "changed"

			after, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(before), string(after)); diff != "" {
				t.Errorf("clone changed with the original:\n%s", diff)
			}
			if got := c.To[1002].Devices; len(got[:cap(got)]) > 0 && got[:cap(got)][0] != "" {
				t.Error("an empty list of devices shares its array")
			}
		})
	}
}

func TestCloneKeepsNumbers(t *testing.T) {
	t.Parallel()
	r := laden(map[string]uint64{"id": math.MaxUint64})
	want := json.RawMessage(`{"id":18446744073709551615}`)
	if diff := cmp.Diff(want, r.Clone().Payload.Content); diff != "" {
		t.Error(diff)
	}
}

func TestCloneIsNotBound(t *testing.T) {
	t.Parallel()
	settled := 0
	r := &push.Receipt{}
	r.OnDone(func(error) { settled++ })
	r.Clone().Done(nil)
	if settled != 0 {
		t.Error("Done on a clone settled the original")
	}
	r.Done(nil)
	if settled != 1 {
		t.Error("cloning unbound the original")
	}
}
