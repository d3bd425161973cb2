package push_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// plainReceipt is a [push.Receipt] without its MarshalJSON: encoding/json makes
// of it what it makes of the chat server's type.
type plainReceipt struct {
	To      map[push.Uid]push.Recipient `json:"to"`
	Channel string                      `json:"channel"`
	Payload push.Payload                `json:"payload"`
}

func fullReceipt() *push.Receipt {
	return &push.Receipt{
		To: map[push.Uid]push.Recipient{
			alice: {Delivered: 1, Devices: []string{"a", "b<&>\u2028\x00\x7f"}, Unread: -1},
			bob:   {}, carol: {Devices: []string{}, Unread: 3}, 10: {}, 9: {}, 100: {},
		},
		Channel: "chn\"\\\n\b\f\té😀",
		Payload: push.Payload{
			What: "msg", Silent: true, Topic: "<grp>", Timestamp: time.Date(2026, 7, 4, 14, 22, 17, 250e6, time.FixedZone("", -9000)),
			From: "usr\xff", SeqId: -42, ContentType: "text/x-drafty", Content: map[string]any{"txt": "<b>", "n": 1, "a": nil},
			Webrtc: "started", AudioOnly: true, Replace: ":42", ModeWant: 0x2f, ModeGiven: push.ModeUnset,
		},
	}
}

func TestDecimalKeysAreWhatEncodingJSONMakes(t *testing.T) {
	t.Parallel()
	for _, r := range []*push.Receipt{fullReceipt(), {}, {To: map[push.Uid]push.Recipient{}}, {Payload: push.Payload{Content: ""}}} {
		var want strings.Builder
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(plainReceipt{r.To, r.Channel, r.Payload}); err != nil {
			t.Fatal(err)
		}
		if got := mustAppend(t, r, push.KeyDecimal) + "\n"; got != want.String() {
			t.Errorf("\n got %s\nwant %s", got, want.String())
		}
	}
}

func TestTextKeysAreSortedAndReadByStockConsumers(t *testing.T) {
	t.Parallel()
	got := mustAppend(t, fullReceipt(), push.KeyText)
	at := -1
	for _, key := range []string{"782riWdFIwE", "ARAvPk1ca3o", "CQAAAAAAAAA", "CgAAAAAAAAA", "EDJUdpi63P4", "ZAAAAAAAAAA"} {
		next := strings.Index(got, `"`+key+`":{`)
		if next <= at {
			t.Fatalf("key %s is missing or out of order in %s", key, got)
		}
		at = next
	}
	var stock plainReceipt
	if err := json.Unmarshal([]byte(got), &stock); err != nil || len(stock.To) != 6 {
		t.Errorf("encoding/json reads %d recipients, %v, want 6", len(stock.To), err)
	}
}

func TestAppendJSONAppends(t *testing.T) {
	t.Parallel()
	got, err := new(push.Receipt).AppendJSON([]byte("before "), push.KeyText)
	want := `before {"to":null,"channel":"","payload":{"what":"","silent":false,"topic":"","ts":"0001-01-01T00:00:00Z","from":"","seq":0,"mime":""}}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestContentIsEncoded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		content any
		want    string
	}{
		{json.RawMessage(`{ "txt" : "a  b<&>\u003c" ,` + "\r\n\t" + `"n" : [ 9007199254740993 , 1e999, 0.10 ] }`), `{"txt":"a  b<&>\u003c","n":[9007199254740993,1e999,0.10]}`},
		{json.RawMessage(nil), `null`},
		{json.RawMessage(`""`), `""`},
		{"a<b>&", `"a<b>&"`},
		{strings.Repeat("<", 400_000), `"` + strings.Repeat("<", 400_000) + `"`}, // six times as long with escapes for HTML
		{0, `0`},
		{[]byte("ab"), `"YWI="`},
		{struct {
			Txt string `json:"txt"`
		}{"x"}, `{"txt":"x"}`},
	}
	for _, tt := range tests {
		got := mustAppend(t, &push.Receipt{Payload: push.Payload{Content: tt.content}}, push.KeyText)
		if want := `"mime":"","content":` + tt.want + `}}`; !strings.HasSuffix(got, want) {
			t.Errorf("content %v: got %s, want it to end in %s", tt.content, got, want)
		}
	}
}

func TestAppendJSONRefuses(t *testing.T) {
	t.Parallel()
	secret := json.RawMessage(`{"txt":"secret" x}`)
	tests := []struct {
		r   push.Receipt
		err string
	}{
		{push.Receipt{To: map[push.Uid]push.Recipient{0: {}, 1: {}}}, "zero"},
		{push.Receipt{Payload: push.Payload{Timestamp: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}}, "time"},
		{push.Receipt{Payload: push.Payload{ModeWant: push.ModeInvalid}}, "access mode is invalid"},
		{push.Receipt{Payload: push.Payload{ModeGiven: push.ModeInvalid}}, "access mode is invalid"},
		{push.Receipt{Payload: push.Payload{Content: secret}}, "not valid JSON"},
		{push.Receipt{Payload: push.Payload{Content: json.RawMessage("")}}, "not valid JSON"},
		{push.Receipt{Payload: push.Payload{Content: json.RawMessage("1 2")}}, "not valid JSON"},
		{push.Receipt{Payload: push.Payload{Content: json.RawMessage("\"\xff\"")}}, "not valid JSON"},
		{push.Receipt{Payload: push.Payload{Content: func() {}}}, "write content"},
	}
	for _, tt := range tests {
		for _, keys := range []push.KeyForm{push.KeyText, push.KeyDecimal} {
			got, err := tt.r.AppendJSON([]byte("before"), keys)
			if err == nil || got != nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v: got %s, %v, want an error about %q", tt.r, got, err, tt.err)
			}
		}
		if _, err := json.Marshal(tt.r); err == nil {
			t.Errorf("json.Marshal(%v) gives no error", tt.r)
		}
	}
}

func ExampleDecode() {
	// The keys may be text or, as encoding/json makes them of the chat server's
	// types, decimal numbers.
	data := []byte(`{"to":{"81985529216486895":{"unread":3},"EDJUdpi63P4":{},"nobody":{}},
		"payload":{"what":"msg","topic":"grpnG99YhENiQU","seq":42,"content":"Hello"}}`)
	r, bad, err := push.Decode(data, push.DefaultLimits())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range bad {
		fmt.Printf("left out %q: %v\n", b.Key, b.Err)
	}
	fmt.Println(len(r.To), "recipients,", r.To[0x0123456789abcdef].Unread, "unread")
	fmt.Printf("%s %s\n", r.Payload.What, r.Payload.Content)
	// Output:
	// left out "nobody": not a user id: want usr…, its 11 characters of base64url, or a decimal number
	// 2 recipients, 3 unread
	// msg "Hello"
}
