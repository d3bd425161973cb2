package fcm

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzParse holds the walker against encoding/json: it survives everything, what
// it accepts is JSON, and what it took out of it is what encoding/json finds.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[]`, `null`, `"`, `{"message":{}}`, `{"message":{"token":"a","data":{"k":"v"}}}`, `{"message":{"topic":"t"}}`,
		"{\"message\" :\t{ \"token\":\r\n\"\\u0061\" , \"data\" : { \"\\u006b\" : \"\\ud83d\\ude00\" } } }",
		`{"message":{"token":"a","android":{"ttl":"1.5s","priority":"HIGH","notification":{"body_loc_args":["x",null]}}}}`,
		`{"message":{"token":"a","apns":{"payload":{"aps":{"x":[1,{"y":"}"}]}}}},"validateOnly":true}`,
		`{"message":{"token":"a","webpush":{"headers":{"TTL":"x"}}},"unknown":[{"a":"]"}]}`,
		`{"message":{"token":"a","token":"b"}}`, `{"message":{"token":"a","data":{"k":1}}}`, `{"message":[[[]]]}`, `{"message":{"token":tru}}`,
	} {
		f.Add([]byte(seed))
	}
	schema := newSchema()
	f.Fuzz(func(t *testing.T, body []byte) {
		got, fault := parse(schema, body)
		if fault != nil {
			if !json.Valid(fault.body()) {
				t.Fatalf("the error is no JSON: %s", fault.body())
			}
			return
		}
		if !json.Valid(body) {
			t.Fatal("accepted what is no JSON")
		}
		compare(t, body, got)
	})
}

func compare(t *testing.T, body []byte, got parsed) {
	t.Helper()
	if strings.Count(string(body), `"message"`) > 1 || strings.Contains(string(body), `\u`) || strings.Count(string(body), `"data"`) > 1 {
		return // encoding/json merges what is there twice; escaped keys may be that
	}
	var want struct {
		Message struct {
			Token, Topic, Condition *string
			Data                    json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &want); err != nil {
		return // encoding/json also matches keys in other cases
	}
	m := want.Message
	for _, to := range []*string{m.Token, m.Topic, m.Condition} {
		if to != nil && *to == got.to {
			return
		}
	}
	t.Fatalf("target %q, encoding/json finds %+v", got.to, m)
}

// BenchmarkParse is the cost of strictness: a chat message for Android.
func BenchmarkParse(b *testing.B) {
	body := []byte(`{"message":{"token":"` + strings.Repeat("t", 163) + `","data":{"what":"msg","topic":"usrEDJUdpi63P4","xfrom":"usr782riWdFIwE","ts":"2026-07-04T14:22:17.25Z","seq":"42","content":"` +
		strings.Repeat("x", 250) + `"},"android":{"priority":"high","ttl":"3600s","collapse_key":"usrEDJUdpi63P4"}}}`)
	schema := newSchema()
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, fault := parse(schema, body); fault != nil {
			b.Fatal(fault.message)
		}
	}
}
