package push_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// stockReceipt is a [push.Receipt] without its UnmarshalJSON: encoding/json reads
// it by reflection, and text keys only.
type stockReceipt struct {
	To      map[push.Uid]push.Recipient `json:"to"`
	Channel string                      `json:"channel"`
	Payload stockPayload                `json:"payload"`
}

// stockPayload is a [push.Payload] whose content encoding/json keeps raw.
type stockPayload struct {
	push.Payload

	Content json.RawMessage `json:"content,omitempty"`
}

type benchReceipt struct {
	name string
	data []byte
}

func benchReceipts(b *testing.B) []benchReceipt {
	b.Helper()
	plain := `{"to":{"EDJUdpi63P4":{"delivered":0,"unread":3}},"channel":"","payload":{"what":"msg","silent":false,` +
		`"topic":"grpnG99YhENiQU","ts":"2026-07-04T14:22:17.25Z","from":"usr782riWdFIwE","seq":42,"mime":"","content":"` +
		strings.Repeat("Hello, world. ", 20) + `"}}`
	var many bytes.Buffer
	many.WriteString(`{"to":{`)
	for i := range 1000 {
		if i > 0 {
			many.WriteByte(',')
		}
		fmt.Fprintf(&many, `%q:{"delivered":0,"unread":%d}`, (carol + push.Uid(i)*0x9e3779b97f4a7c15).String(), i)
	}
	many.WriteString(`},` + strings.SplitN(plain, `},`, 2)[1])
	return []benchReceipt{
		{"plain", []byte(plain)},
		{"drafty", bytes.TrimSpace(readTestdata(b, "v0253-02-msg-group-with-channel.textkeys.json"))},
		{"1000recipients", many.Bytes()},
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, r := range benchReceipts(b) {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(r.data)))
			for b.Loop() {
				if _, bad, err := push.Decode(r.data, push.Limits{}); err != nil || len(bad) > 0 {
					b.Fatal(bad, err)
				}
			}
		})
	}
}

func BenchmarkDecodeEncodingJSON(b *testing.B) {
	for _, r := range benchReceipts(b) {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(r.data)))
			for b.Loop() {
				var into stockReceipt
				if err := json.Unmarshal(r.data, &into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
