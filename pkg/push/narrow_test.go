package push_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestNarrow(t *testing.T) {
	t.Parallel()
	type to = map[push.Uid]push.Recipient
	const oneUser = `{"AQAAAAAAAAA":{"delivered":1,"devices":["d"],"unread":2}}`
	one := to{1: {Delivered: 1, Devices: []string{"d"}, Unread: 2}}
	tests := []struct {
		name, in string
		to       to
		channel  string
		want     string
	}{
		{
			"spacing, order and unknown fields stay", ` { "x" : [ 1 , 1e999 ] , "to" : {"1":{},"x":{}} , "payload" : { "content" : { "b":1, "a":"\u003c" } } , "channel" :"chnA" , "y":"<" } `,
			one, "", ` { "x" : [ 1 , 1e999 ] , "to" : ` + oneUser + ` , "payload" : { "content" : { "b":1, "a":"\u003c" } } , "channel" :"" , "y":"<" } `,
		},
		{"channel stays", `{"to":{"1":{}},"channel":"chnA"}`, one, "chnA", `{"to":` + oneUser + `,"channel":"chnA"}`},
		{"channel is added", `{"to":{"1":{}}}`, one, "chn<", `{"channel":"chn<","to":` + oneUser + `}`},
		{"no channel is not added", `{"to":{"1":{}}}`, one, "", `{"to":` + oneUser + `}`},
		{"to is added", `{"payload":{}}`, one, "", `{"to":` + oneUser + `,"payload":{}}`},
		{"both are added", `{ "payload":{}}`, one, "c", `{"to":` + oneUser + `,"channel":"c", "payload":{}}`},
		{"to is added to nothing", "{ }", one, "", `{"to":` + oneUser + ` }`},
		{"both are added to nothing", "{}\n", one, "c", `{"to":` + oneUser + `,"channel":"c"}` + "\n"},
		{"nothing is added to nothing", `{}`, nil, "", `{}`},
		{"nobody remains", `{"to":{"1":{}},"channel":"c"}`, nil, "c", `{"to":null,"channel":"c"}`},
		{"nobody was there", `{"to":null}`, to{}, "", `{"to":{}}`},
		{"to was null", `{"to":null,"channel":null}`, one, "c", `{"to":` + oneUser + `,"channel":"c"}`},
		{"other cases", `{"TO":{},"cHannel":"c"}`, one, "", `{"TO":` + oneUser + `,"cHannel":""}`},
		{"escapes", `{"\u0074o":{},"channe\u006c":"c"}`, one, "", `{"\u0074o":` + oneUser + `,"channe\u006c":""}`},
		{
			"duplicates", `{"to":{"2":{}},"channel":"a","x":1,"To":{"3":{}},"channel":"b","tO":{"4":{}},"CHANNEL":null,"y":2}`, one, "c",
			`{"to":null,"channel":null,"x":1,"To":null,"channel":null,"tO":` + oneUser + `,"CHANNEL":"c","y":2}`,
		},
		{
			"only the outermost", `{"payload":{"to":{"2":{}},"content":{"to":1,"channel":2}},"to":{}}`, one, "",
			`{"payload":{"to":{"2":{}},"content":{"to":1,"channel":2}},"to":` + oneUser + `}`,
		},
		{
			"deeper and larger than the default limits", `{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,"y":"` + strings.Repeat("y", 1_000_000) + `","to":{}}`, one, "",
			`{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,"y":"` + strings.Repeat("y", 1_000_000) + `","to":` + oneUser + `}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := push.Narrow([]byte(tt.in), tt.to, tt.channel)
			if err != nil || string(got) != tt.want {
				t.Fatalf("%v\n got %.300s\nwant %.300s", err, got, tt.want)
			}
			r, bad, err := push.Decode(got, push.Limits{MaxBytes: 1 << 30, MaxDepth: 1000})
			if err != nil || len(bad) > 0 || r.Channel != tt.channel {
				t.Errorf("decodes to channel %q, bad %v, %v", r.Channel, bad, err)
			}
			if diff := cmp.Diff(tt.to, r.To, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("recipients (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNarrowDoesNotWriteToItsInput(t *testing.T) {
	t.Parallel()
	raw := append(make([]byte, 0, 1000), `{"to":{"1":{},"2":{}}}`...)
	before := string(raw[:cap(raw)])
	if _, err := push.Narrow(raw, map[push.Uid]push.Recipient{2: {}}, "c"); err != nil {
		t.Fatal(err)
	}
	if string(raw[:cap(raw)]) != before {
		t.Errorf("input is now %q", raw[:cap(raw)])
	}
}

func TestNarrowRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "null", "[]", `{"to":{}`, `{"to":{"1":{"x":01}}}`, `{"to":`, `{} {}`, "{\"x\":\"\xff\"}"} {
		if got, err := push.Narrow([]byte(in), nil, ""); err == nil {
			t.Errorf("Narrow(%q) = %q, want an error", in, got)
		}
	}
	if got, err := push.Narrow([]byte(`{}`), map[push.Uid]push.Recipient{0: {}}, ""); err == nil {
		t.Errorf("with the zero uid: %q, want an error", got)
	}
}
