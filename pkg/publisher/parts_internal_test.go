package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/pkg/push"
)

// timeless is a context without time.
func timeless(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithDeadline(t.Context(), time.Unix(0, 0))
}

// unconnected is a publisher that encodes.
func unconnected(t *testing.T, cfg Config) *Publisher {
	t.Helper()
	nc, err := nats.Connect("nats://127.0.0.1:1", nats.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Close(context.Background())
		nc.Close()
	})
	return p
}

func TestLargeReceiptsAreSplit(t *testing.T) {
	t.Parallel()
	r := &push.Receipt{To: map[push.Uid]push.Recipient{}, Channel: "chn1", Payload: push.Payload{What: push.ActMsg, Content: "hello"}}
	for uid := range push.Uid(1000) {
		r.To[uid+1] = push.Recipient{Unread: int(uid), Devices: []string{"a \"device\""}}
	}
	for name, tt := range map[string]struct {
		limits push.Limits
		opts   []Option
		parts  int
	}{
		"fits":            {push.Limits{}, nil, 1},
		"recipients":      {push.Limits{MaxRecipients: 300}, nil, 7},
		"bytes":           {push.Limits{MaxBytes: 40_000}, nil, 3},
		"the caller's id": {push.Limits{MaxRecipients: 1000}, []Option{ID("mine")}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := unconnected(t, Config{Limits: tt.limits})
			parts, err := p.parts(t.Context(), r, tt.opts)
			if err != nil || len(parts) != tt.parts {
				t.Fatalf("%d parts, want %d: %v", len(parts), tt.parts, err)
			}
			again, _ := p.parts(t.Context(), r, tt.opts)
			ids, users, channels := map[string]bool{}, map[push.Uid]push.Recipient{}, 0
			for i, part := range parts {
				got, bad, err := push.Decode(part.msg.Data, p.cfg.Limits)
				if err != nil || len(bad) > 0 {
					t.Fatalf("a worker cannot read part %d: %v %v", i, err, bad)
				}
				id := part.msg.Header.Get(jetstream.MsgIDHeader)
				if id == "" || id != again[i].msg.Header.Get(jetstream.MsgIDHeader) || string(part.msg.Data) != string(again[i].msg.Data) {
					t.Errorf("part %d is %q the first time, and %q the second", i, id, again[i].msg.Header.Get(jetstream.MsgIDHeader))
				}
				ids[id] = true
				maps.Copy(users, got.To)
				if got.Channel != "" {
					channels++
				}
			}
			if len(ids) != tt.parts || len(users) != 1000 || users[7].Unread != 6 || channels != 1 {
				t.Errorf("%d ids, %d users, %d parts with the channel", len(ids), len(users), channels)
			}
		})
	}
}

func TestContentThatIsTooLargeIsNotSplit(t *testing.T) {
	t.Parallel()
	r := &push.Receipt{To: map[push.Uid]push.Recipient{1: {}, 2: {}}, Payload: push.Payload{Content: strings.Repeat("x", 2000)}}
	if _, err := unconnected(t, Config{Limits: push.Limits{MaxBytes: 1000}}).parts(t.Context(), r, nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestContentIsCut(t *testing.T) {
	t.Parallel()
	const limit = 100
	picture := strings.Repeat("A", 40_000)
	for name, tt := range map[string]struct {
		content any
		want    string // JSON, or a part of it
	}{
		"short":              {"<b>", `"<b>"`},
		"text":               {strings.Repeat("<", 400_000), `"<<<<<`},
		"inside a character": {strings.Repeat("ж", 100), `жж…"`},
		"quotes":             {strings.Repeat("\"", 100), `\"…"`},
		"raw":                {json.RawMessage(`"` + strings.Repeat("x", 200) + `"`), `xx…"`},
		"picture":            {json.RawMessage(`{"ent":[{"data":{"mime":"image/png","val":"` + picture + `"},"tp":"IM"}],"txt":" "}`), `{"ent":[{"data":{"mime":"image/png"},"tp":"IM"}],"txt":" "}`},
		"long Drafty":        {map[string]any{"txt": strings.Repeat("y", 300), "fmt": []any{map[string]any{"at": 250, "len": 5, "tp": "ST"}}}, `yy…"`},
		"array":              {json.RawMessage(`["` + picture + `"]`), `null`},
		"foreign object":     {json.RawMessage(`{"a":"` + picture + `"}`), `null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &push.Receipt{Payload: push.Payload{Content: tt.content}}
			got, err := plainJSON(shortened(r, limit).Payload.Content)
			if err != nil || len(got) > limit || !strings.Contains(string(got), tt.want) || !json.Valid(got) {
				t.Errorf("%d bytes %s, want %s: %v", len(got), got, tt.want, err)
			}
		})
	}
	// What is cut is published as it is told of, and the caller's receipt stays.
	p := unconnected(t, Config{MaxContent: limit})
	r := &push.Receipt{To: map[push.Uid]push.Recipient{1: {}}, Payload: push.Payload{Content: picture}}
	parts, err := p.parts(t.Context(), r, nil)
	if err != nil || len(parts[0].msg.Data) > 400 || r.Payload.Content != picture {
		t.Errorf("%d bytes, the receipt's content is %T: %v", len(parts[0].msg.Data), r.Payload.Content, err)
	}
}

// What workers would not read because it is nested too deeply is refused, however short it is,
// and what only looks so is not.
func TestDepthIsLimited(t *testing.T) {
	t.Parallel()
	nested := func(depth int) json.RawMessage {
		return json.RawMessage(strings.Repeat("[", depth) + strings.Repeat("]", depth))
	}
	crowd := map[push.Uid]push.Recipient{}
	for uid := range push.Uid(100) {
		crowd[uid+1] = push.Recipient{Devices: []string{`,"payload":{`}}
	}
	for name, tt := range map[string]struct {
		limits  push.Limits
		r       push.Receipt
		refused bool
	}{
		"as deep as may be":   {r: push.Receipt{Payload: push.Payload{Content: nested(62)}}},
		"deeper":              {r: push.Receipt{Payload: push.Payload{Content: nested(63)}}, refused: true},
		"deeper, for many":    {r: push.Receipt{To: crowd, Payload: push.Payload{Content: nested(63)}}, refused: true},
		"brackets in a text":  {r: push.Receipt{Payload: push.Payload{Content: strings.Repeat("[{", 100)}}},
		"many recipients":     {r: push.Receipt{To: crowd}},
		"a lower limit":       {limits: push.Limits{MaxDepth: 3}, r: push.Receipt{Payload: push.Payload{Content: nested(2)}}, refused: true},
		"met":                 {limits: push.Limits{MaxDepth: 3}, r: push.Receipt{Payload: push.Payload{Content: nested(1)}}},
		"limit of recipients": {limits: push.Limits{MaxDepth: 3}, r: push.Receipt{To: crowd}, refused: true},
		"a higher limit":      {limits: push.Limits{MaxDepth: 100}, r: push.Receipt{Payload: push.Payload{Content: nested(63)}}},
	} {
		parts, err := unconnected(t, Config{Limits: tt.limits}).parts(t.Context(), &tt.r, nil)
		if refused := errors.Is(err, ErrTooLarge); refused != tt.refused || err == nil && len(parts) != 1 {
			t.Errorf("%s: %d parts, %v", name, len(parts), err)
		}
	}
}
