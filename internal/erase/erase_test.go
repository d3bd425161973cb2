package erase_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/erase"
	"github.com/pushworker/pushworker/pkg/push"
)

var (
	alice = push.ParseUserId("usr782riWdFIwE")
	bob   = push.ParseUserId("usrEDJUdpi63P4")
)

func TestLook(t *testing.T) {
	t.Parallel()
	p2p := push.P2PTopic(alice, bob)
	toBob := map[push.Uid]push.Recipient{bob: {Unread: 2}}
	none := map[push.Uid]push.Recipient{}
	tests := map[string]struct {
		data string
		want erase.Finding
	}{
		"alone":             {`{"to":{"782riWdFIwE":{}}}`, erase.Finding{Named: true, Rest: none}},
		"alone, as usr":     {`{"to":{"usr782riWdFIwE":{}}}`, erase.Finding{Named: true, Rest: none}},
		"alone, escaped":    {`{"to":{"\u003782riWdFIwE":{}}}`, erase.Finding{Named: true, Rest: none}},
		"with others":       {`{"to":{"782riWdFIwE":{},"EDJUdpi63P4":{"unread":2}}}`, erase.Finding{Named: true, Rest: toBob}},
		"with a channel":    {`{"to":{"782riWdFIwE":{}},"channel":"chnX"}`, erase.Finding{Named: true, Rest: none, Channel: "chnX"}},
		"others":            {`{"to":{"EDJUdpi63P4":{"unread":2}},"payload":{"from":"usrEDJUdpi63P4"}}`, erase.Finding{Rest: toBob}},
		"wrote it":          {`{"to":{"EDJUdpi63P4":{"unread":2}},"payload":{"from":"usr782riWdFIwE"}}`, erase.Finding{Named: true, About: true, Rest: toBob}},
		"is the topic":      {`{"to":{"EDJUdpi63P4":{"unread":2}},"payload":{"topic":"usr782riWdFIwE"}}`, erase.Finding{Named: true, About: true, Rest: toBob}},
		"talks in it":       {`{"to":{"EDJUdpi63P4":{"unread":2}},"payload":{"topic":"` + p2p + `"}}`, erase.Finding{Named: true, About: true, Rest: toBob}},
		"in others' words":  {`{"to":{"EDJUdpi63P4":{"unread":2}},"payload":{"content":"usr782riWdFIwE"}}`, erase.Finding{Rest: toBob}},
		"no receipt":        {`to 782riWdFIwE`, erase.Finding{Named: true, About: true}},
		"no receipt at all": {`to somebody`, erase.Finding{}},
		"nobody":            {`{}`, erase.Finding{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := erase.Look([]byte(tt.data), alice)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Look (-want +got):\n%s", diff)
			}
			if others := len(tt.want.Rest) > 0 || tt.want.Channel != ""; got.Others() != others {
				t.Errorf("Others() = %t", got.Others())
			}
		})
	}
}

func TestLookReadsDecimalKeys(t *testing.T) {
	t.Parallel()
	decimal, err := (&push.Receipt{To: map[push.Uid]push.Recipient{alice: {}}}).AppendJSON(nil, push.KeyDecimal)
	if err != nil {
		t.Fatal(err)
	}
	if f := erase.Look(decimal, alice); !f.Named || f.Others() {
		t.Errorf("Look(%s) = %+v", decimal, f)
	}
	if !erase.Mentions(decimal, alice) || erase.Mentions(decimal, bob) {
		t.Error("Mentions does not know the decimal form")
	}
}
