package push_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     push.MalformedError // Problem: a part of it
	}{
		{"empty", ``, push.MalformedError{Offset: 0, Problem: "want a JSON object"}},
		{"white space only", " \n", push.MalformedError{Offset: 2, Problem: "want a JSON object"}},
		{"text", `hello`, push.MalformedError{Offset: 0, Problem: "want a JSON object"}},
		{"byte order mark", "\ufeff{}", push.MalformedError{Offset: 0, Problem: "no byte order mark (BOM)"}},
		{"array", `[{}]`, push.MalformedError{Offset: 0, Problem: "want a JSON object"}},
		{"null", `null`, push.MalformedError{Offset: 0, Problem: "want a JSON object"}},
		{"string", `"{}"`, push.MalformedError{Offset: 0, Problem: "want a JSON object"}},
		{"two receipts", `{} {}`, push.MalformedError{Offset: 3, Problem: "nothing after"}},
		{"trailing comma after", `{},`, push.MalformedError{Offset: 2, Problem: "nothing after"}},
		{"trailing NUL", "{}\x00", push.MalformedError{Offset: 2, Problem: "nothing after"}},
		{"cut in the object", `{"to":{}`, push.MalformedError{Offset: 8, Problem: "closing bracket"}},
		{"cut in a name", `{"to`, push.MalformedError{Offset: 4, Problem: "without an end"}},
		{"cut after a name", `{"to"`, push.MalformedError{Offset: 5, Problem: "colon"}},
		{"cut before a value", `{"to":`, push.MalformedError{Field: "to", Offset: 6, Problem: "want a value"}},
		{"cut in an escape", `{"channel":"\`, push.MalformedError{Field: "channel", Offset: 12, Problem: "escape"}},
		{"cut in a word", `{"payload":{"silent":tru`, push.MalformedError{Field: "payload.silent", Offset: 21, Problem: "want a value"}},
		{"no colon", `{"to" null}`, push.MalformedError{Offset: 6, Problem: "colon"}},
		{"no comma", `{"x":1 "y":2}`, push.MalformedError{Offset: 7, Problem: "comma"}},
		{"comma before the end", `{"x":1,}`, push.MalformedError{Offset: 7, Problem: "name"}},
		{"comma before the end of an array", `{"x":[1,]}`, push.MalformedError{Offset: 8, Problem: "want a value"}},
		{"wrong bracket", `{"x":[1}}`, push.MalformedError{Offset: 7, Problem: "closing bracket"}},
		{"name without quotes", `{to:null}`, push.MalformedError{Offset: 1, Problem: "name"}},
		{"single quotes", `{'to':null}`, push.MalformedError{Offset: 1, Problem: "name"}},
		{"comment", `{/**/}`, push.MalformedError{Offset: 1, Problem: "name"}},
		{"NaN", `{"payload":{"content":NaN}}`, push.MalformedError{Field: "payload.content", Offset: 22, Problem: "want a value"}},
		{"infinity", `{"payload":{"content":-Infinity}}`, push.MalformedError{Field: "payload.content", Offset: 23, Problem: "want a value"}},
		{"leading zero", `{"payload":{"seq":01}}`, push.MalformedError{Field: "payload", Offset: 19, Problem: "comma"}},
		{"plus sign", `{"x":+1}`, push.MalformedError{Offset: 5, Problem: "want a value"}},
		{"no digit after the point", `{"x":1.}`, push.MalformedError{Offset: 7, Problem: "digit"}},
		{"no digit in the exponent", `{"x":1e+}`, push.MalformedError{Offset: 8, Problem: "digit"}},
		{"unknown escape", `{"x":"\x41"}`, push.MalformedError{Offset: 6, Problem: "escape"}},
		{"short escape", `{"x":"\u41"}`, push.MalformedError{Offset: 6, Problem: "escape"}},
		{"line break in a string", "{\"x\":\"a\nb\"}", push.MalformedError{Offset: 7, Problem: "control character"}},
		{"invalid UTF-8 in a string", "{\"x\":\"é\xff\"}", push.MalformedError{Offset: 8, Problem: "UTF-8"}},
		{"invalid UTF-8 in a name", "{\"x\xc3\":1}", push.MalformedError{Offset: 3, Problem: "UTF-8"}},
		{"half a surrogate pair as UTF-8", "{\"x\":\"\xed\xa0\x80\"}", push.MalformedError{Offset: 6, Problem: "UTF-8"}},
		{"syntax within a bad recipient", `{"to":{"x":{"y":01}}}`, push.MalformedError{Field: "to", Offset: 17, Problem: "comma"}},

		{"to is an array", `{"to":[]}`, push.MalformedError{Field: "to", Offset: 6, Problem: "object or null"}},
		{"to is a string", `{"to":"usr1"}`, push.MalformedError{Field: "to", Offset: 6, Problem: "object or null"}},
		{"channel is a number", `{"channel":1}`, push.MalformedError{Field: "channel", Offset: 11, Problem: "string or null"}},
		{"payload is a string", `{"payload":""}`, push.MalformedError{Field: "payload", Offset: 11, Problem: "object or null"}},
		{"what is a number", `{"payload":{"what":1}}`, push.MalformedError{Field: "payload.what", Offset: 19, Problem: "string or null"}},
		{"topic is an object", `{"payload":{"topic":{"a":1}}}`, push.MalformedError{Field: "payload.topic", Offset: 20, Problem: "string or null"}},
		{"silent is a string", `{"payload":{"silent":"true"}}`, push.MalformedError{Field: "payload.silent", Offset: 21, Problem: "true or false"}},
		{"seq is a string", `{"payload":{"seq": "1"}}`, push.MalformedError{Field: "payload.seq", Offset: 19, Problem: "integer"}},
		{"seq has an exponent", `{"payload":{"seq":1e3}}`, push.MalformedError{Field: "payload.seq", Offset: 18, Problem: "integer"}},
		{"seq is a fraction", `{"payload":{"seq":1.0}}`, push.MalformedError{Field: "payload.seq", Offset: 18, Problem: "integer"}},
		{"seq is too large", `{"payload":{"seq":9223372036854775808}}`, push.MalformedError{Field: "payload.seq", Offset: 18, Problem: "integer"}},
		{"seq is 1e999", `{"payload":{"seq":1e999}}`, push.MalformedError{Field: "payload.seq", Offset: 18, Problem: "integer"}},
		{"an earlier duplicate is wrong", `{"payload":{"seq":"1","seq":1}}`, push.MalformedError{Field: "payload.seq", Offset: 18, Problem: "integer"}},
		{"ts is empty", `{"payload":{"ts":""}}`, push.MalformedError{Field: "payload.ts", Offset: 17, Problem: "RFC 3339"}},
		{"ts is a number", `{"payload":{"ts":1783175}}`, push.MalformedError{Field: "payload.ts", Offset: 17, Problem: "RFC 3339"}},
		{"ts has no zone", `{"payload":{"ts":"2026-07-04T14:22:17"}}`, push.MalformedError{Field: "payload.ts", Offset: 17, Problem: "RFC 3339"}},
		{"ts is cut", `{"payload":{"ts":"2026`, push.MalformedError{Field: "payload.ts", Offset: 22, Problem: "without an end"}},
		{"ts is no date", `{"payload":{"ts":"2026-02-30T00:00:00Z"}}`, push.MalformedError{Field: "payload.ts", Offset: 17, Problem: "RFC 3339"}},
		{"ts is short", `{"payload":{"ts":"2026-2-3T0:00:00Z"}}`, push.MalformedError{Field: "payload.ts", Offset: 17, Problem: "RFC 3339"}},
		{"want is null", `{"payload":{"want":null}}`, push.MalformedError{Field: "payload.want", Offset: 19, Problem: "access mode"}},
		{"want is a number", `{"payload":{"want":47}}`, push.MalformedError{Field: "payload.want", Offset: 19, Problem: "access mode"}},
		{"want has another letter", `{"payload":{"want":"JX"}}`, push.MalformedError{Field: "payload.want", Offset: 19, Problem: "access mode"}},
		{"given has an escape", `{"payload":{"given":"\u004a"}}`, push.MalformedError{Field: "payload.given", Offset: 20, Problem: "access mode"}},
		{"aonly is a number", `{"payload":{"aonly":1}}`, push.MalformedError{Field: "payload.aonly", Offset: 20, Problem: "true or false"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkMalformed(t, []byte(tt.in), push.DefaultLimits(), tt.want)
		})
	}
}

// checkMalformed wants data to be refused as want says; want.Problem need only be
// contained.
func checkMalformed(t *testing.T, data []byte, lim push.Limits, want push.MalformedError) {
	t.Helper()
	r, bad, err := push.Decode(data, lim)
	got, ok := asType[*push.MalformedError](err)
	if !ok || r != nil || bad != nil {
		t.Fatalf("Decode(%.100q) = %v, %v, %v, want a MalformedError alone", data, r, bad, err)
	}
	if !strings.Contains(got.Problem, want.Problem) {
		t.Errorf("Decode(%.100q): problem is %q, want one about %q", data, got.Problem, want.Problem)
	}
	want.Problem = got.Problem
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("Decode(%.100q) (-want +got):\n%s", data, diff)
	}
}

func TestDecodeKeepsWithinLimits(t *testing.T) {
	t.Parallel()
	nested := func(levels int) string { // the receipt itself is the first level
		return `{"x":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
	}
	keys := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"xx":{`)
		for i := range n - 1 {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"%d":null`, i+1)
		}
		return b.String() + `}}`
	}
	full := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"to":{`)
		for i := range n {
			fmt.Fprintf(&b, `%.*s"%d":{"delivered":0,"unread":1}`, min(i, 1), ",", i+1)
		}
		return b.String() + `}}`
	}
	padded := func(size int) string { return `{"x":"` + strings.Repeat("x", size-8) + `"}` }
	all := push.Limits{MaxBytes: 1 << 30, MaxDepth: 1 << 30, MaxKeys: 1 << 30, MaxRecipients: 1 << 30}
	tests := []struct {
		name, in string
		lim      push.Limits
		want     *push.MalformedError
	}{
		{"largest", padded(1_000_000), push.Limits{}, nil},
		{"too large", padded(1_000_001), push.Limits{}, &push.MalformedError{Oversize: true, Problem: "1000001 bytes are more than the limit of 1000000"}},
		{"large and not even JSON", strings.Repeat("\xff", 1_000_001), push.Limits{}, &push.MalformedError{Oversize: true, Problem: "limit"}},
		{"too large for less", `{"to":null}`, push.Limits{MaxBytes: 10}, &push.MalformedError{Oversize: true, Problem: "limit"}},
		{"deepest", nested(64), push.Limits{}, nil},
		{"too deep", nested(65), push.Limits{}, &push.MalformedError{Offset: 68, Problem: "deeper than 64"}},
		{"too deep in content", `{"payload":{"content":` + nested(63) + `}}`, push.Limits{}, &push.MalformedError{Field: "payload.content", Offset: 88, Problem: "deeper than 64"}},
		{"too deep in a bad recipient", `{"to":{"x":` + nested(63) + `}}`, push.Limits{}, &push.MalformedError{Field: "to", Offset: 77, Problem: "deeper than 64"}},
		{"10,001 deep", nested(10_001), push.Limits{}, &push.MalformedError{Offset: 68, Problem: "deeper than 64"}},
		{"10,000 deep where allowed", nested(10_000), all, nil},
		{"10,001 deep whatever is allowed", nested(10_001), all, &push.MalformedError{Offset: 10_004, Problem: "deeper than 10000"}},
		{"half a million deep and cut", strings.Repeat(`{"":`, 200_000), all, &push.MalformedError{Offset: 40_000, Problem: "deeper than 10000"}},
		{"wide, not deep", `{"x":[` + strings.Repeat(`[],{},`, 1000) + `1]}`, push.Limits{MaxDepth: 3}, nil},
		{"most keys", keys(20_000), push.Limits{}, nil},
		{"too many keys", keys(20_001), push.Limits{}, &push.MalformedError{Offset: 248_888, Problem: "more than 20000 object keys"}},
		{"100,000 keys where allowed", keys(100_000), all, nil},
		{"keys of content count", `{"payload":{"content":{"a":1,"b":2}}}`, push.Limits{MaxKeys: 3}, &push.MalformedError{Field: "payload.content", Offset: 29, Problem: "more than 3"}},
		{"most recipients, who have all there is", full(20_000), push.Limits{MaxKeys: 1}, nil},
		{"too many recipients", full(20_001), push.Limits{}, &push.MalformedError{Field: "to", Offset: 688_901, Problem: "more than 20000 recipients"}},
		{"device ids count", `{"to":{"1":{"devices":["a","a"]}}}`, push.Limits{MaxRecipients: 3}, nil},
		{"too many device ids cost only the recipient", `{"to":{"1":{"devices":["a","a"]}}}`, push.Limits{MaxRecipients: 2}, nil},
		{"unknown keys of recipients count", `{"to":{"1":{"unread":1,"b":{"c":2}}},"payload":{}}`, push.Limits{MaxKeys: 3}, &push.MalformedError{Offset: 37, Problem: "more than 3"}},
		{"keys of a bad recipient count once", `{"to":{"1":{"unread":"a","b":2},"2":{}}}`, push.Limits{MaxKeys: 3}, nil},
		{"nothing allowed", `{}`, push.Limits{MaxBytes: -1}, &push.MalformedError{Oversize: true, Problem: "limit"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.want != nil {
				checkMalformed(t, []byte(tt.in), tt.lim, *tt.want)
				return
			}
			if _, _, err := push.Decode([]byte(tt.in), tt.lim); err != nil {
				t.Errorf("Decode(%.100q): %v", tt.in, err)
			}
		})
	}
}

func TestMalformedErrorSaysWhereAndQuotesNothing(t *testing.T) {
	t.Parallel()
	_, _, err := push.Decode([]byte(`{"payload":{"ts":"secret"}}`), push.DefaultLimits())
	if want := "payload.ts at byte 17: want a time as in RFC 3339"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	_, _, err = push.Decode([]byte(`{"secret":secret}`), push.DefaultLimits())
	if want := "at byte 10: want a value"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	_, _, err = push.Decode([]byte(`{ }`), push.Limits{MaxBytes: 2})
	if want := "3 bytes are more than the limit of 2: send large content by reference, or raise the limit"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	_, bad, err := push.Decode([]byte(`{"to":{"1":{"devices":[["token"]]},"secret":"secret"}}`), push.DefaultLimits())
	if err != nil || len(bad) != 2 {
		t.Fatalf("%v, %v", bad, err)
	}
	for _, b := range bad {
		if text := b.Err.Error(); strings.Contains(text, "token") || strings.Contains(text, "secret") {
			t.Errorf("error %q quotes the receipt", text)
		}
	}
}
