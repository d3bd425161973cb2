package push_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// wireVectors is testdata/vectors.json: what the chat server's own types do.
type wireVectors struct {
	UidEncode []struct{ Hex, Dec, Text, UserId, MarshalValue, MarshalPointer, MapKey string } `json:"uid_encode"`

	UidDecodeValue  []decodeVector `json:"uid_decode_json_value"`
	UidDecodeMapKey []decodeVector `json:"uid_decode_map_key"`

	ModeEncodeAll     []modeVector   `json:"access_mode_encode_all"`
	ModeEncodeSpecial []modeVector   `json:"access_mode_encode_special"`
	ModeDecode        []decodeVector `json:"access_mode_decode_from_0x55"`

	P2PName []struct{ A, B, Name string } `json:"p2p_name"`
}

type decodeVector struct{ In, Hex, Err string }

type modeVector struct {
	Mode       uint
	Text, JSON string
}

func loadVectors(t *testing.T) wireVectors {
	t.Helper()
	var v wireVectors
	if err := json.Unmarshal(readTestdata(t, "vectors.json"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func readTestdata(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func fromHex(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// errorClass returns the words that our errors share with those of the chat
// server's types; the texts differ otherwise. No error is "".
func errorClass(text string) string {
	for _, class := range []string{"invalid length", "unrecognized", "illegal base64 data at input byte 10", "invalid character", "syntax error", "invalid"} {
		if strings.Contains(text, class) {
			return class
		}
	}
	return text
}
