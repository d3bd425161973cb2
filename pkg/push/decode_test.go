package push_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestDecodeTolerates(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 4, 14, 22, 17, 250e6, time.UTC)
	type to = map[push.Uid]push.Recipient
	tests := []struct {
		name, in string
		want     push.Receipt
	}{
		{"nothing in it", `{}`, push.Receipt{}},
		{"white space", " \t\r\n{ } \n", push.Receipt{}},
		{"nulls", `{"to":null,"channel":null,"payload":null}`, push.Receipt{}},
		{
			"nulls within", `{"to":{"1":{"delivered":null,"devices":null,"unread":null}},"payload":{"what":null,"silent":null,` +
				`"topic":null,"ts":null,"from":null,"seq":null,"mime":null,"content":null,"webrtc":null,"aonly":null,"replace":null}}`,
			push.Receipt{To: to{1: {}}},
		},
		{"no recipients", `{"to":{}}`, push.Receipt{To: to{}}},
		{"null recipient", `{"to":{"1":null}}`, push.Receipt{To: to{1: {}}}},
		{
			"unknown fields", `{"x":[{"to":{}}],"to":{"1":{"x":{},"unread":2}},"payload":{"seq":1,"x":[1,"\u0041",-2.5e-3,true,false,null]}}`,
			push.Receipt{To: to{1: {Unread: 2}}, Payload: push.Payload{SeqId: 1}},
		},
		{
			"both key forms, and a third", `{"to":{"81985529216486895":{"unread":1},"EDJUdpi63P4":{"unread":2},"usrARAvPk1ca3o":{"unread":3}}}`,
			push.Receipt{To: to{alice: {Unread: 1}, bob: {Unread: 2}, carol: {Unread: 3}}},
		},
		{"escaped key", `{"to":{"\u0037\u00382riWdFIwE":{}}}`, push.Receipt{To: to{alice: {}}}},
		{
			"one user twice", `{"to":{"782riWdFIwE":{"delivered":1,"unread":1},"81985529216486895":{"unread":2}}}`,
			push.Receipt{To: to{alice: {Unread: 2}}},
		},
		{
			"negative counts", `{"to":{"1":{"delivered":-1,"unread":-2}},"payload":{"seq":-0}}`,
			push.Receipt{To: to{1: {Delivered: -1, Unread: -2}}},
		},
		{
			"largest numbers", `{"to":{"1":{"unread":9223372036854775807,"delivered":-9223372036854775808}}}`,
			push.Receipt{To: to{1: {Unread: 1<<63 - 1, Delivered: -1 << 63}}},
		},
		{
			"devices", `{"to":{"1":{"devices":["a","b\n","a",null]},"2":{"devices":[]}}}`,
			push.Receipt{To: to{1: {Devices: []string{"a", "b\n", "a", ""}}, 2: {}}},
		},
		{
			"names in other cases", `{"TO":{"1":{"Unread":2,"DELIVERED":1,"dEvices":["a"]}},"Channel":"chnA","PayLoad":{"\u0057HAT":"msg","ſilent":true}}`,
			push.Receipt{To: to{1: {Unread: 2, Delivered: 1, Devices: []string{"a"}}}, Channel: "chnA", Payload: push.Payload{What: "msg", Silent: true}},
		},
		{"escaped names", `{"t\u006f":{"1":{}},"channe\u006C":"chnA"}`, push.Receipt{To: to{1: {}}, Channel: "chnA"}},
		{
			"duplicate fields", `{"channel":"a","CHANNEL":"b","payload":{"seq":1,"seq":2,"SEQ":3,"content":1,"content":null},"payload":{"what":"msg"}}`,
			push.Receipt{Channel: "b", Payload: push.Payload{SeqId: 3, What: "msg"}},
		},
		{
			"null after a value", `{"channel":"a","channel":null,"payload":{"seq":1},"payload":null}`,
			push.Receipt{Channel: "a", Payload: push.Payload{SeqId: 1}},
		},
		{"to twice", `{"to":{"1":{"unread":1}},"to":{"2":{}}}`, push.Receipt{To: to{1: {Unread: 1}, 2: {}}}},
		{"to, then null", `{"to":{"1":{"unread":1}},"to":null}`, push.Receipt{}},
		{
			"strings", `{"payload":{"topic":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800é😀"}}`,
			push.Receipt{Payload: push.Payload{Topic: "\"\\/\b\f\n\r\té😀\ufffdé😀"}},
		},
		{"time", `{"payload":{"ts":"2026-07-04T14:22:17.25Z"}}`, push.Receipt{Payload: push.Payload{Timestamp: at}}},
		{"zero time", `{"payload":{"ts":"0001-01-01T00:00:00Z"}}`, push.Receipt{}},
		{"modes", `{"payload":{"want":"jrwps","given":"JN"}}`, push.Receipt{Payload: push.Payload{ModeWant: 0x2f}}},
		{"empty mode", `{"payload":{"want":"","given":"O"}}`, push.Receipt{Payload: push.Payload{ModeGiven: push.ModeOwner}}},
		{
			"call", `{"payload":{"webrtc":"started","aonly":true,"replace":":42"}}`,
			push.Receipt{Payload: push.Payload{Webrtc: "started", AudioOnly: true, Replace: ":42"}},
		},
		{"unknown action", `{"payload":{"what":"dance"}}`, push.Receipt{Payload: push.Payload{What: "dance"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(&tt.want, mustDecode(t, []byte(tt.in)), sameReceipt); diff != "" {
				t.Errorf("Decode(%s) (-want +got):\n%s", tt.in, diff)
			}
			var viaJSON push.Receipt
			if err := json.Unmarshal([]byte(tt.in), &viaJSON); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, viaJSON, sameReceipt); diff != "" {
				t.Errorf("json.Unmarshal(%s) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestDecodeKeepsTheOffsetOfATime(t *testing.T) {
	t.Parallel()
	r := mustDecode(t, []byte(`{"payload":{"ts":"2026-07-04T16:52:17.25+02:30"}}`))
	if want := time.Date(2026, 7, 4, 14, 22, 17, 250e6, time.UTC); !r.Payload.Timestamp.Equal(want) {
		t.Errorf("time is %v, want %v", r.Payload.Timestamp, want)
	}
	if _, offset := r.Payload.Timestamp.Zone(); offset != 9000 {
		t.Errorf("offset is %d s, want 9000", offset)
	}
}

func TestDecodeKeepsContentByteForByte(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		`"Hello"`, `""`, `0`, `-0`, `false`, `{}`, `[]`, `9007199254740993`, `1e999`, `0.10`, `"\u003c\/<&"`, `"\ud800"`,
		`{ "txt" : "a" ,` + "\n\t" + `"ent":[ { "data":{"val":123456789012345678901234567890}} ] , "txt":"b"}`,
	} {
		data := []byte(`{"payload":{"content": ` + content + ` }}`)
		got, ok := mustDecode(t, data).Payload.Content.(json.RawMessage)
		if !ok || string(got) != content {
			t.Errorf("content is %q, want %q", got, content)
		}
		before := string(data)
		_ = append(got, "overwritten"...)
		if string(data) != before {
			t.Errorf("appending to the content %s changed the receipt's bytes", content)
		}
	}
}

// Strings are looked at eight bytes at a time, so every byte must be seen at every
// place.
func TestDecodeSeesEveryByteOfAString(t *testing.T) {
	t.Parallel()
	for c := range byte(utf8.RuneSelf) {
		for at := range 20 {
			text := []byte(`{"to":{"782riWdFIwE":{}},"payload":{"content":"` + strings.Repeat("x", 20) + `"}}`)
			text[bytes.IndexByte(text, 'x')+at] = c
			_, _, err := push.Decode(text, push.Limits{MaxBytes: 1 << 10, MaxDepth: 8, MaxKeys: 8})
			if (err == nil) != json.Valid(text) {
				t.Errorf("%q at %d: %v", c, at, err)
			}
		}
	}
}

func TestUnmarshalJSONCopiesTheContent(t *testing.T) {
	t.Parallel()
	data := []byte(`{"payload":{"content":"abc"}}`)
	var r push.Receipt
	if err := r.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	clear(data)
	if diff := cmp.Diff(json.RawMessage(`"abc"`), r.Payload.Content); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnmarshalJSON(t *testing.T) {
	t.Parallel()
	held := push.Receipt{Channel: "chnA"}
	settled := false
	held.OnDone(func(error) { settled = true })
	if err := json.Unmarshal([]byte(`null`), &held); err != nil || held.Channel != "chnA" {
		t.Errorf("null: %v, channel %q, want the receipt unchanged", err, held.Channel)
	}
	if err := json.Unmarshal([]byte(`{"payload":{"seq":"1"}}`), &held); err == nil || held.Channel != "chnA" {
		t.Errorf("malformed: %v, channel %q, want an error and the receipt unchanged", err, held.Channel)
	}
	if err := json.Unmarshal([]byte(`{"to":{"x":{},"1":{}}}`), &held); err != nil || len(held.To) != 1 || held.Channel != "" {
		t.Errorf("bad key: %v, %v, want the other recipient and nothing of before", err, held)
	}
	if held.Done(nil); !settled {
		t.Error("the settlement was lost")
	}
}

func TestBadRecipientsCostOnlyThemselves(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 40)
	tests := []struct{ entry, key, err string }{
		{`"x":{}`, "x", "not a user id"},
		{`"":{"unread":1}`, "", "not a user id"},
		{`"0":{}`, "0", "zero"},
		{`"AAAAAAAAAAA":{}`, "AAAAAAAAAAA", "zero"},
		{`"\u0078":{"y":[{}]}`, "x", "not a user id"},
		{`"` + long + `":{}`, strings.Repeat("é", 32), "not a user id"},
		{`"x` + long + `":{}`, "x" + strings.Repeat("é", 31), "not a user id"},
		{`"1":5`, "1", "want an object or null"},
		{`"1":"x"`, "1", "want an object or null"},
		{`"1":[{}]`, "1", "want an object or null"},
		{`"1":true`, "1", "want an object or null"},
		{`"1":{"delivered":"1"}`, "1", "delivered at byte 24: want an integer"},
		{`"1":{"delivered":{"a":[1]}}`, "1", "delivered"},
		{`"1":{"unread":1.0}`, "1", "unread"},
		{`"1":{"unread":1e3}`, "1", "unread"},
		{`"1":{"unread":9223372036854775808}`, "1", "unread"},
		{`"1":{"devices":"a"}`, "1", "devices"},
		{`"1":{"devices":{}}`, "1", "devices"},
		{`"1":{"devices":["a",1,"b"],"unread":2}`, "1", "devices"},
		{`"1":{"devices":["a",["b"]]}`, "1", "devices"},
	}
	for _, tt := range tests {
		in := `{"to":{` + tt.entry + `,"782riWdFIwE":{"unread":7}},"payload":{"seq":3}}`
		r, bad, err := push.Decode([]byte(in), push.Limits{})
		if err != nil {
			t.Errorf("Decode(%s): %v", in, err)
			continue
		}
		want := &push.Receipt{To: map[push.Uid]push.Recipient{alice: {Unread: 7}}, Payload: push.Payload{SeqId: 3}}
		if diff := cmp.Diff(want, r, sameReceipt); diff != "" {
			t.Errorf("Decode(%s) (-want +got):\n%s", in, diff)
		}
		if len(bad) != 1 || bad[0].Key != tt.key || !strings.Contains(bad[0].Err.Error(), tt.err) {
			t.Errorf("Decode(%s) left out %v, want key %q and %q", in, bad, tt.key, tt.err)
		}
	}
}

func TestABadEntryDoesNotReplaceAGoodOne(t *testing.T) {
	t.Parallel()
	r, bad, err := push.Decode([]byte(`{"to":{"1":{"unread":1},"1":{"unread":"2"}}}`), push.Limits{})
	if err != nil || len(bad) != 1 || r.To[1].Unread != 1 {
		t.Errorf("got %v, bad %v, %v, want unread 1 and one bad entry", r, bad, err)
	}
}
