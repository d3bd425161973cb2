package push_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/push"
)

// mirrorReceipt is what encoding/json is asked to read for comparison. Its keys
// are strings, so that a bad key does not stop it.
type mirrorReceipt struct {
	To      map[string]mirrorRecipient `json:"to"`
	Channel string                     `json:"channel"`
	Payload stockPayload               `json:"payload"`
}

type mirrorRecipient struct {
	Delivered int           `json:"delivered"`
	Devices   mirrorDevices `json:"devices"`
	Unread    int           `json:"unread"`
}

// mirrorDevices starts afresh each time: left to itself, encoding/json lets null
// in a later duplicate mean the id that the earlier one had in that place.
type mirrorDevices []string

func (d *mirrorDevices) UnmarshalJSON(b []byte) error {
	var fresh []string
	err := json.Unmarshal(b, &fresh)
	*d = fresh
	return err
}

func addSeeds(f *testing.F, add func(data []byte)) {
	f.Helper()
	paths, err := filepath.Glob("testdata/v0*.json")
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	for _, p := range paths {
		add(readTestdata(f, filepath.Base(p)))
	}
}

var unlimited = push.NoLimits()

func FuzzDecode(f *testing.F) {
	addSeeds(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		r, bad, err := push.Decode(data, unlimited)
		if _, _, errLimited := push.Decode(data, push.Limits{}); err != nil && errLimited == nil {
			t.Errorf("accepted only within limits: %v", err)
		}
		if _, ok := asType[*push.MalformedError](err); err != nil && !ok {
			t.Errorf("error is a %T", err)
		}
		checkAgainstEncodingJSON(t, data, r, bad, err)
		if err == nil {
			checkRoundTrip(t, r)
		}
	})
}

func checkAgainstEncodingJSON(t *testing.T, data []byte, r *push.Receipt, bad []push.BadRecipient, err error) {
	t.Helper()
	isObject := json.Valid(data) && utf8.Valid(data) && bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
	var mirror mirrorReceipt
	stockErr := json.Unmarshal(data, &mirror)
	switch {
	case !isObject:
		if err == nil {
			t.Error("accepted what is not a JSON object in UTF-8")
		}
	case err != nil:
		if stockErr == nil {
			t.Errorf("refused what encoding/json accepts: %v", err)
		}
	case stockErr != nil:
		if len(bad) == 0 {
			t.Errorf("accepted what encoding/json refuses: %v", stockErr)
		}
	default:
		compareWithMirror(t, mirror, r, len(bad))
	}
}

func compareWithMirror(t *testing.T, mirror mirrorReceipt, r *push.Receipt, badKeys int) {
	t.Helper()
	to := map[push.Uid]push.Recipient{}
	refused := 0
	for key, rcpt := range mirror.To {
		uid, err := push.ParseUid(key)
		if err != nil {
			refused++
			continue
		}
		if _, twice := to[uid]; twice {
			return // which is the later one, a map cannot tell
		}
		to[uid] = push.Recipient{Delivered: rcpt.Delivered, Devices: rcpt.Devices, Unread: rcpt.Unread}
	}
	if refused > badKeys {
		t.Errorf("%d bad keys, want at least %d", badKeys, refused) // more if a bad key is there twice
	}
	want := &push.Receipt{To: to, Channel: mirror.Channel, Payload: mirror.Payload.Payload}
	if content := mirror.Payload.Content; content != nil && string(content) != "null" {
		want.Payload.Content = content
	}
	if diff := cmp.Diff(want, r, sameReceipt, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("encoding/json reads otherwise (-encoding/json +Decode):\n%s", diff)
	}
	if (mirror.To == nil) != (r.To == nil) {
		t.Errorf("to is nil: %t with encoding/json, %t with Decode", mirror.To == nil, r.To == nil)
	}
	_, wantOffset := want.Payload.Timestamp.Zone()
	if _, offset := r.Payload.Timestamp.Zone(); offset != wantOffset {
		t.Errorf("offset of the time is %d s, want %d", offset, wantOffset)
	}
}

func checkRoundTrip(t *testing.T, r *push.Receipt) {
	t.Helper()
	if content, ok := r.Payload.Content.(json.RawMessage); ok {
		var compact bytes.Buffer
		if err := json.Compact(&compact, content); err != nil {
			t.Fatal(err)
		}
		r.Payload.Content = json.RawMessage(compact.Bytes())
	}
	for _, keys := range []push.KeyForm{push.KeyText, push.KeyDecimal} {
		encoded := mustAppend(t, r, keys)
		if strings.ContainsAny(encoded, "\n\r") || !json.Valid([]byte(encoded)) {
			t.Errorf("encoded as %q, want one line of JSON", encoded)
		}
		again, bad, err := push.Decode([]byte(encoded), unlimited)
		if err != nil || len(bad) > 0 {
			t.Fatalf("cannot read back %s: %v, bad %v", encoded, err, bad)
		}
		if diff := cmp.Diff(r, again, sameReceipt); diff != "" {
			t.Errorf("encoded and decoded again (-want +got):\n%s", diff)
		}
		if twice := mustAppend(t, again, keys); twice != encoded {
			t.Errorf("encoded twice:\n%s\n%s", encoded, twice)
		}
	}
}

func FuzzNarrow(f *testing.F) {
	addSeeds(f, func(data []byte) { f.Add(data, uint64(alice), "token", "chnnG99YhENiQU", 1) })
	f.Fuzz(func(t *testing.T, raw []byte, user uint64, device, channel string, delivered int) {
		r, _, err := push.Decode(raw, unlimited)
		channel, device = strings.ToValidUTF8(channel, ""), strings.ToValidUTF8(device, "")
		to := narrowedTo(r, push.Uid(user), device, delivered)
		got, narrowErr := push.Narrow(raw, to, channel)
		if err != nil {
			if narrowErr == nil && !json.Valid(raw) {
				t.Errorf("narrowed what is not JSON to %q", got)
			}
			return
		}
		if narrowErr != nil {
			t.Fatalf("cannot narrow what decodes: %v", narrowErr)
		}
		again, bad, err := push.Decode(got, unlimited)
		if err != nil || len(bad) > 0 {
			t.Fatalf("cannot read back %q: %v, bad %v", got, err, bad)
		}
		want := &push.Receipt{To: to, Channel: channel, Payload: r.Payload}
		if diff := cmp.Diff(want, again, sameReceipt, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", got, diff)
		}
		if diff := cmp.Diff(otherMembers(t, raw), otherMembers(t, got)); diff != "" {
			t.Errorf("other members changed (-before +after):\n%s", diff)
		}
		if twice, err := push.Narrow(got, to, channel); err != nil || !bytes.Equal(twice, got) {
			t.Errorf("narrowed twice: %q, %v, want %q", twice, err, got)
		}
	})
}

// narrowedTo returns what may remain of the recipients of r: user alone, if user
// is not zero, with one more device.
func narrowedTo(r *push.Receipt, user push.Uid, device string, delivered int) map[push.Uid]push.Recipient {
	if user.IsZero() {
		return nil
	}
	rcpt := push.Recipient{Delivered: delivered}
	if r != nil {
		rcpt = r.To[user]
	}
	rcpt.Devices = append(rcpt.Devices, device)
	return map[push.Uid]push.Recipient{user: rcpt}
}

// otherMembers returns the outermost members that Narrow is to leave alone.
func otherMembers(t *testing.T, raw []byte) map[string]json.RawMessage {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	for name := range members {
		if strings.EqualFold(name, "to") || strings.EqualFold(name, "channel") {
			delete(members, name)
		}
	}
	return members
}
