package push_test

import (
	"encoding/json"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestAccessModeEncodesAsTheChatServerDoes(t *testing.T) {
	t.Parallel()
	vectors := loadVectors(t)
	if len(vectors.ModeEncodeAll) != 256 {
		t.Fatalf("%d vectors, want 256", len(vectors.ModeEncodeAll))
	}
	for _, v := range append(vectors.ModeEncodeAll, vectors.ModeEncodeSpecial...) {
		mode := push.AccessMode(v.Mode)
		if got := mode.String(); got != v.Text {
			t.Errorf("%#x: String = %q, want %q", v.Mode, got, v.Text)
		}
		text, err := mode.MarshalText()
		if string(text) != v.Text || (err != nil) != (mode == push.ModeInvalid) {
			t.Errorf("%#x: MarshalText = %q, %v, want %q", v.Mode, text, err, v.Text)
		}
		for _, value := range []any{mode, &mode} {
			got, err := json.Marshal(value)
			if err != nil {
				got = []byte("error: " + err.Error())
			}
			if mode == push.ModeInvalid {
				_, isMarshaler := asType[*json.MarshalerError](err)
				if !isMarshaler {
					t.Errorf("json.Marshal(%T ModeInvalid) = %s, want a marshaler's error", value, got)
				}
			} else if string(got) != v.JSON {
				t.Errorf("%#x: json.Marshal(%T) = %s, want %s", v.Mode, value, got, v.JSON)
			}
		}
	}
}

func TestAccessModeDecodesAsTheChatServerDoes(t *testing.T) {
	t.Parallel()
	const before = 0x55
	for _, v := range loadVectors(t).ModeDecode {
		mode := push.AccessMode(before)
		err := json.Unmarshal([]byte(v.In), &mode)
		checkDecoded(t, v, before, uint64(mode), err)
	}
}

func TestAccessModeRoundTrips(t *testing.T) {
	t.Parallel()
	for mode := range push.AccessMode(0x100) {
		got := push.ModeUnset
		if err := got.UnmarshalText([]byte(mode.String())); err != nil || got != mode {
			t.Errorf("%q decodes to %#x, %v, want %#x", mode.String(), got, err, mode)
		}
	}
}

func TestAccessModeLetters(t *testing.T) {
	t.Parallel()
	letters := map[push.AccessMode]string{
		push.ModeJoin: "J", push.ModeRead: "R", push.ModeWrite: "W", push.ModePres: "P",
		push.ModeApprove: "A", push.ModeShare: "S", push.ModeDelete: "D", push.ModeOwner: "O",
		push.ModeNone: "N", push.ModeUnset: "",
	}
	for mode, want := range letters {
		if got := mode.String(); got != want {
			t.Errorf("%#x is %q, want %q", uint(mode), got, want)
		}
	}
}
