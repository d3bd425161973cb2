package push_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	alice push.Uid = 0x0123456789abcdef
	bob   push.Uid = 0xfedcba9876543210
	carol push.Uid = 0x7a6b5c4d3e2f1001
)

func TestUidEncodesAsTheChatServerDoes(t *testing.T) {
	t.Parallel()
	for _, v := range loadVectors(t).UidEncode {
		uid := push.Uid(fromHex(t, v.Hex))
		text, err := uid.MarshalText()
		if err != nil || string(text) != v.Text {
			t.Errorf("%s: MarshalText = %q, %v, want %q", v.Hex, text, err, v.Text)
		}
		if got := fmt.Sprint(uid); got != v.Text {
			t.Errorf("%s: prints as %q, want %q", v.Hex, got, v.Text)
		}
		if got := uid.UserId(); got != v.UserId {
			t.Errorf("%s: UserId = %q, want %q", v.Hex, got, v.UserId)
		}
		if got := push.ParseUserId(v.UserId); got != uid {
			t.Errorf("ParseUserId(%q) = %d, want %d", v.UserId, got, uid)
		}
		for value, want := range map[any]string{uid: v.MarshalValue, &uid: v.MarshalPointer} {
			if got, err := json.Marshal(value); err != nil || string(got) != want {
				t.Errorf("%s: json.Marshal(%T) = %s, %v, want %s", v.Hex, value, got, err, want)
			}
		}
		if got, err := json.Marshal(map[push.Uid]int{uid: 1}); err != nil || string(got) != v.MapKey {
			t.Errorf("%s: as a map key %s, %v, want %s", v.Hex, got, err, v.MapKey)
		}
	}
}

func TestUidDecodesAsTheChatServerDoes(t *testing.T) {
	t.Parallel()
	vectors := loadVectors(t)
	const before = 42
	for _, v := range vectors.UidDecodeValue {
		uid := push.Uid(before)
		err := json.Unmarshal([]byte(v.In), &uid)
		checkDecoded(t, v, before, uint64(uid), err)
	}
	for _, v := range vectors.UidDecodeMapKey {
		var m map[push.Uid]int
		err := json.Unmarshal(fmt.Appendf(nil, "{%q:1}", v.In), &m)
		uid := push.Uid(before)
		for k := range m {
			uid = k
		}
		checkDecoded(t, v, before, uint64(uid), err)
	}
}

// checkDecoded compares an outcome with the vector's. On an error the value is
// to be what it was before.
func checkDecoded(t *testing.T, v decodeVector, before, got uint64, err error) {
	t.Helper()
	want := before
	if v.Err == "" {
		want = fromHex(t, v.Hex)
	}
	if got != want {
		t.Errorf("%s: decoded %#x, want %#x", v.In, got, want)
	}
	gotErr := ""
	if err != nil {
		gotErr = err.Error()
	}
	if errorClass(gotErr) != errorClass(v.Err) {
		t.Errorf("%s: error %q, want %q", v.In, gotErr, v.Err)
	}
}

func TestUidTextWithLineBreaksIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"AQAAAAAAAA\n", "\nAQAAAAAAA\r"} {
		uid := push.Uid(42)
		if err := uid.UnmarshalText([]byte(text)); err == nil || uid != 42 {
			t.Errorf("UnmarshalText(%q) = %v with uid %d, want an error and the uid unchanged", text, err, uid)
		}
	}
}

func TestParseUserIdIsZeroOnAnyError(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "usr", "usrAQAAAAAAAA", "usrAQAAAAAAAAAA", "usrAQAAAAAAAA+", "USRAQAAAAAAAAA", "grpAQAAAAAAAAA", "AQAAAAAAAAA", "1"} {
		if got := push.ParseUserId(s); got != 0 {
			t.Errorf("ParseUserId(%q) = %d, want 0", s, got)
		}
	}
}

// The decision rule of wire.md 2.3, row by row.
func TestParseUid(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want push.Uid // 0 for an error
	}{
		{"782riWdFIwE", alice},
		{"81985529216486895", alice},
		{"usr782riWdFIwE", alice},
		{"AQAAAAAAAAA", 1},
		{"AQAAAAAAAAB", 1}, // not canonical, taken as stock consumers do
		{"__________8", 1<<64 - 1},
		{"1", 1},
		{"18446744073709551615", 1<<64 - 1},

		// Eleven digits: text if an encoder could have made it, else a number.
		{"12345678900", 0x4df7fcaee7f86dd7},
		{"12345678901", 12345678901},
		{"12345678902", 12345678902},
		{"12345678903", 12345678903},
		{"12345678904", 0x4ef7fcaee7f86dd7},
		{"12345678905", 12345678905},
		{"12345678908", 0x4ff7fcaee7f86dd7},
		{"99999999999", 99999999999},
		{"usr12345678", 0xbfeb397edbf5caba}, // eleven characters are text
		{"01234567891", 0},
		{"00000000001", 0},

		{"", 0},
		{"0", 0},
		{"00", 0},
		{"01", 0},
		{"-1", 0},
		{"+1", 0},
		{"1.0", 0},
		{"1e3", 0},
		{"1_000", 0},
		{" 1", 0},
		{"0x1", 0},
		{"18446744073709551616", 0},
		{"100000000000000000000", 0},
		{"AAAAAAAAAAA", 0},
		{"AAAAAAAAAAB", 0},
		{"usr", 0},
		{"usrAAAAAAAAAAA", 0},
		{"usr1", 0},
		{"USR782riWdFIwE", 0},
		{"grp782riWdFIwE", 0},
		{"782riWdFIw", 0},
		{"782riWdFIwE=", 0},
		{"782riWdFIw=", 0},
		{"782riWdFIw+", 0},
		{"782riWdFIw/", 0},
		{"782riWdFI\nE", 0},
		{"782riWdFI\u00e9", 0},
		{"٣٤", 0}, // digits of another script
	}
	for _, tt := range tests {
		got, err := push.ParseUid(tt.in)
		if got != tt.want || (err == nil) != (tt.want != 0) {
			t.Errorf("ParseUid(%q) = %#x, %v, want %#x", tt.in, got, err, tt.want)
		}
	}
}
