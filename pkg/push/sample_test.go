package push_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/push"
)

var sameReceipt = cmpopts.IgnoreUnexported(push.Receipt{})

// mustDecode decodes a receipt in which nothing is wrong.
func mustDecode(tb testing.TB, data []byte) *push.Receipt {
	tb.Helper()
	r, bad, err := push.Decode(data, push.DefaultLimits())
	if err != nil || len(bad) > 0 {
		tb.Fatalf("Decode(%.200s) = %v, bad %v", data, err, bad)
	}
	return r
}

func mustAppend(tb testing.TB, r *push.Receipt, keys push.KeyForm) string {
	tb.Helper()
	b, err := r.AppendJSON(nil, keys)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// sampleFiles returns the names of the sample receipts as the chat server's
// marshaller writes them, with decimal keys.
func sampleFiles(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("testdata/v0*.json")
	if err != nil {
		tb.Fatal(err)
	}
	var names []string
	for _, p := range paths {
		if !strings.Contains(p, ".textkeys.") {
			names = append(names, filepath.Base(p))
		}
	}
	if len(names) != 8 {
		tb.Fatalf("%d samples, want 8", len(names))
	}
	return names
}

// withChannel adds the field that receipts of v0.16.4 do not have yet.
func withChannel(receipt []byte) string {
	if bytes.Contains(receipt, []byte(`"channel"`)) {
		return string(receipt)
	}
	return strings.Replace(string(receipt), `},"payload":`, `},"channel":"","payload":`, 1)
}

func TestSamplesAreReproduced(t *testing.T) {
	t.Parallel()
	for _, name := range sampleFiles(t) {
		decimal := bytes.TrimSpace(readTestdata(t, name))
		r := mustDecode(t, decimal)
		if got, want := mustAppend(t, r, push.KeyDecimal), withChannel(decimal); got != want {
			t.Errorf("%s with decimal keys:\n got %s\nwant %s", name, got, want)
		}
		text := mustAppend(t, r, push.KeyText)
		if diff := cmp.Diff(r, mustDecode(t, []byte(text)), sameReceipt); diff != "" {
			t.Errorf("%s: encoded and decoded again (-want +got):\n%s", name, diff)
		}
		for _, v := range []any{r, *r} {
			if got, err := json.Marshal(v); err != nil || string(got) != text {
				t.Errorf("%s: json.Marshal(%T) = %s, %v, want %s", name, v, got, err, text)
			}
		}
	}
}

func TestSamplesWithTextKeysAreReproduced(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/v0*.textkeys.json")
	if err != nil || len(paths) != 6 {
		t.Fatalf("%d samples, %v, want 6", len(paths), err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		text := bytes.TrimSpace(readTestdata(t, name))
		r := mustDecode(t, text)
		if got, want := mustAppend(t, r, push.KeyText), withChannel(text); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		decimal := readTestdata(t, strings.Replace(name, ".textkeys", "", 1))
		if diff := cmp.Diff(mustDecode(t, decimal), r, sameReceipt); diff != "" {
			t.Errorf("%s means something else than with decimal keys (-decimal +text):\n%s", name, diff)
		}
	}
}

func TestSampleIsUnderstood(t *testing.T) {
	t.Parallel()
	got := mustDecode(t, readTestdata(t, "v0253-02-msg-group-with-channel.json"))
	want := &push.Receipt{
		To:      map[push.Uid]push.Recipient{bob: {Unread: 9}, carol: {Delivered: 2, Unread: 1}},
		Channel: "chnnG99YhENiQU",
		Payload: push.Payload{
			What:        push.ActMsg,
			Topic:       "grpnG99YhENiQU",
			Timestamp:   time.Date(2026, 7, 4, 14, 22, 17, 250e6, time.UTC),
			From:        "usr782riWdFIwE",
			SeqId:       501,
			ContentType: "text/x-drafty",
			Content: json.RawMessage(`{"ent":[{"data":{"val":"usrEDJUdpi63P4"},"tp":"MN"},` +
				`{"data":{"url":"https://example.com"},"tp":"LN"}],` +
				`"fmt":[{"at":3,"key":0,"len":4},{"at":13,"key":1,"len":19}],"txt":"Hi @bob, see https://example.com"}`),
		},
	}
	if diff := cmp.Diff(want, got, sameReceipt); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	got = mustDecode(t, readTestdata(t, "v0164-02-msg-drafty-p2p-devices.json"))
	if want := []string{"fcm-token-bob-phone", "fcm-token-bob-tablet"}; !slices.Equal(got.To[bob].Devices, want) {
		t.Errorf("devices are %q, want %q", got.To[bob].Devices, want)
	}
	got = mustDecode(t, readTestdata(t, "v0164-03-sub-group-modes.json"))
	if got.Payload.ModeWant != 0x2f || got.Payload.ModeGiven != 0xff {
		t.Errorf("modes are %#x and %#x, want 0x2f and 0xff", uint(got.Payload.ModeWant), uint(got.Payload.ModeGiven))
	}
}
