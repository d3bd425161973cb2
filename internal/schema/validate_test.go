package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/schema"
	"github.com/pushworker/pushworker/pkg/push"
)

// compile returns the schema at pointer in a document.
func compile(tb testing.TB, document, pointer string) *jsonschema.Schema {
	tb.Helper()
	const where = "https://schema.test/document.json"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(where, parse(tb, document)); err != nil {
		tb.Fatal(err)
	}
	s, err := c.Compile(where + "#" + pointer)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func parse(tb testing.TB, text string) any {
	tb.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return v
}

// samples are the wire samples of every version of the chat server.
func samples(tb testing.TB) map[string]string {
	tb.Helper()
	paths, err := filepath.Glob("../../pkg/push/testdata/v0*.json")
	if err != nil || len(paths) != 14 {
		tb.Fatalf("%d samples, %v, want 14", len(paths), err)
	}
	all := map[string]string{}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			tb.Fatal(err)
		}
		all[filepath.Base(p)] = string(text)
	}
	return all
}

func TestSamplesAreValid(t *testing.T) {
	t.Parallel()
	s := compile(t, schema.Receipt(), "")
	for name, text := range samples(t) {
		if err := s.Validate(parse(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReceiptSchemaAgreesWithTheDecoder asks both about good and bad receipts.
func TestReceiptSchemaAgreesWithTheDecoder(t *testing.T) {
	t.Parallel()
	s := compile(t, schema.Receipt(), "")
	agree(t, s, []string{
		`{}`, `[]`, `null`, `"receipt"`, `{"to":null}`, `{"to":[]}`, `{"to":{}}`, `{"to":{"782riWdFIwE":null}}`,
		`{"payload":null}`, `{"payload":[]}`, `{"channel":null}`, `{"channel":7}`, `{"later":{"field":[1]}}`,
		// user ids
		`{"to":{"782riWdFIwE":{}}}`, `{"to":{"usr782riWdFIwE":{}}}`, `{"to":{"81985529216486895":{}}}`, `{"to":{"1":{}}}`,
		`{"to":{"0":{}}}`, `{"to":{"":{}}}`, `{"to":{"01":{}}}`, `{"to":{"-1":{}}}`, `{"to":{"AAAAAAAAAAA":{}}}`, `{"to":{"AAAAAAAAAAB":{}}}`,
		`{"to":{"usrAAAAAAAAAAA":{}}}`, `{"to":{"AAAAAAAAAAE":{}}}`, `{"to":{"12345678901":{}}}`, `{"to":{"12345678904":{}}}`,
		`{"to":{"01234567891":{}}}`, `{"to":{"01234567894":{}}}`, `{"to":{"782riWdFIw=":{}}}`, `{"to":{"782riWdFIw+":{}}}`,
		`{"to":{"grp782riWdFIwE":{}}}`, `{"to":{"782riWdFIwE1":{}}}`, `{"to":{"782riWdFIw\n":{}}}`, `{"to":{"1.5":{}}}`,
		// recipients
		`{"to":{"1":7}}`, `{"to":{"1":{"delivered":-1,"unread":0}}}`, `{"to":{"1":{"delivered":"1"}}}`, `{"to":{"1":{"unread":1.5}}}`,
		`{"to":{"1":{"unread":null,"delivered":null,"devices":null}}}`, `{"to":{"1":{"devices":["a",null]}}}`, `{"to":{"1":{"devices":[1]}}}`,
		`{"to":{"1":{"devices":"a"}}}`, `{"to":{"1":{"unread":9223372036854775807}}}`, `{"to":{"1":{"unread":9223372036854775808}}}`,
		`{"to":{"1":{"unread":-9223372036854775808}}}`, `{"to":{"1":{"unread":-9223372036854775809}}}`,
		// payloads
		`{"payload":{"what":"later","silent":true,"seq":-3,"aonly":null,"mime":null,"replace":":4"}}`, `{"payload":{"what":1}}`,
		`{"payload":{"silent":"true"}}`, `{"payload":{"silent":1}}`, `{"payload":{"seq":"7"}}`, `{"payload":{"seq":true}}`,
		`{"payload":{"ts":"2026-11-24T09:30:15.123Z"}}`, `{"payload":{"ts":"2026-11-24T09:30:15+02:00"}}`, `{"payload":{"ts":null}}`,
		`{"payload":{"ts":""}}`, `{"payload":{"ts":"yesterday"}}`, `{"payload":{"ts":1764000000}}`, `{"payload":{"ts":"2026-13-24T09:30:15Z"}}`,
		`{"payload":{"content":null}}`, `{"payload":{"content":{"txt":"a","fmt":[]}}}`, `{"payload":{"content":[1,"a"]}}`, `{"payload":{"content":false}}`,
		// access modes
		`{"payload":{"want":"JRWPS","given":"N"}}`, `{"payload":{"want":"spwrj"}}`, `{"payload":{"want":"NX"}}`, `{"payload":{"want":"JN"}}`, `{"payload":{"want":""}}`,
		`{"payload":{"want":"X"}}`, `{"payload":{"want":" J"}}`, `{"payload":{"given":null}}`, `{"payload":{"given":3}}`, `{"payload":{"given":"+W"}}`,
	}, func(text string) error {
		_, bad, err := push.Decode([]byte(text), push.DefaultLimits())
		if err == nil && len(bad) > 0 {
			err = bad[0].Err
		}
		return err
	})
}

func TestDeviceSchemaAgreesWithTheDirectory(t *testing.T) {
	t.Parallel()
	texts := []string{`{}`, `null`, `[]`, `7`}
	good := `{"user":"usr782riWdFIwE","id":"phone","provider":"fcm","platform":"ios","token":"t:1_-","lang":"pt-BR","registered":"2026-11-24T08:30:00Z","later":1}`
	texts = append(texts, good)
	for name, values := range map[string][]string{
		"user":       {`"782riWdFIwE"`, `"81985529216486895"`, `81985529216486895`, `18446744073709551615`, `18446744073709551616`, `0`, `-1`, `1.5`, `""`, `"AAAAAAAAAAA"`, `"me"`, `null`, `true`},
		"id":         {`""`, `null`, `7`, `"a b"`, `"a\nb"`, `"` + strings.Repeat("x", 4096) + `"`, `"` + strings.Repeat("x", 4097) + `"`},
		"provider":   {`""`, `null`, `"FCM"`, `"web-push_2"`, `"` + strings.Repeat("p", 33) + `"`, `7`},
		"platform":   {`""`, `null`, `"android"`, `"web"`, `"desktop"`, `"tv-2"`, `"Be OS"`, `"` + strings.Repeat("x", 33) + `"`, `7`},
		"token":      {`""`, `null`, `7`, `"a\u0000"`, `"` + strings.Repeat("t", 4096) + `"`, `"` + strings.Repeat("t", 4097) + `"`},
		"lang":       {`""`, `null`, `7`, `"de"`, `"d e"`, `"` + strings.Repeat("l", 36) + `"`},
		"registered": {`null`, `"now"`, `7`, `"2026-11-24T08:30:00+01:00"`},
		"failing":    {`null`, `7`, `{"why":"away","since":"2026-11-24T08:30:00Z"}`, `{"why":"away"}`, `{"why":"a b","since":"2026-11-24T08:30:00Z"}`},
	} {
		for _, value := range values {
			texts = append(texts, with(t, good, name, value))
		}
		texts = append(texts, with(t, good, name, ""))
	}
	agree(t, compile(t, schema.Device(), ""), texts, func(text string) error {
		d, err := device.ParseLine([]byte(text))
		if err == nil {
			err = device.Validate(d)
		}
		return err
	})
}

// with returns a JSON object with another value for a member, or without it.
func with(t *testing.T, text, name, value string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatal(err)
	}
	if members[name] = json.RawMessage(value); value == "" {
		delete(members, name)
	}
	b, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// agree fails where the schema and the reader differ, or if the texts are all of
// one kind.
func agree(t *testing.T, s *jsonschema.Schema, texts []string, read func(text string) error) {
	t.Helper()
	refused := 0
	for _, text := range texts {
		wrong, unreadable := s.Validate(parse(t, text)), read(text)
		if (wrong == nil) != (unreadable == nil) {
			t.Errorf("%.300s\n schema: %v\n reader: %v", text, wrong, unreadable)
		}
		if wrong != nil {
			refused++
		}
	}
	if refused < len(texts)/4 || refused > len(texts)*3/4 {
		t.Errorf("%d of %d texts are refused; the table is lopsided", refused, len(texts))
	}
}

// TestAsyncAPIDocumentIsValid holds the document against the official schema, and
// a few broken ones, to see that this means something.
func TestAsyncAPIDocumentIsValid(t *testing.T) {
	t.Parallel()
	official, err := os.ReadFile("testdata/asyncapi-3.0.0.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := compile(t, string(official), "")
	if err := s.Validate(parse(t, schema.AsyncAPI())); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ old, broken string }{
		{`"asyncapi": "3.0.0"`, `"asyncapi": "2.6.0"`},
		{`"action": "receive"`, `"action": "publish"`},
		{`"protocol": "nats"`, `"protocols": "nats"`},
		{`"address": "push.receipts"`, `"addr": "push.receipts"`},
	} {
		broken := strings.Replace(schema.AsyncAPI(), c.old, c.broken, 1)
		if broken == schema.AsyncAPI() {
			t.Fatalf("%s is not in the document", c.old)
		}
		if s.Validate(parse(t, broken)) == nil {
			t.Errorf("%s passes for valid", c.broken)
		}
	}
}

// TestAsyncAPIReferencesLead follows every $ref, which the official schema does not.
func TestAsyncAPIReferencesLead(t *testing.T) {
	t.Parallel()
	root := parse(t, schema.AsyncAPI())
	seen := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if to, ok := v["$ref"].(string); ok {
				seen++
				if lookup(root, to) == nil {
					t.Errorf("%s leads nowhere", to)
				}
			}
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	walk(root)
	if seen < 30 {
		t.Errorf("%d references; the test looks for the wrong thing", seen)
	}
}

// lookup follows a reference, and those that it leads to.
func lookup(root any, ref string) any {
	at := root
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		members, ok := at.(map[string]any)
		if to, isRef := members["$ref"].(string); isRef {
			members, ok = lookup(root, to).(map[string]any)
		}
		if !ok {
			return nil
		}
		at = members[step]
	}
	return at
}

// TestAsyncAPIExamplesAreValid checks every example against its message.
func TestAsyncAPIExamplesAreValid(t *testing.T) {
	t.Parallel()
	messages := parse(t, schema.AsyncAPI()).(map[string]any)["components"].(map[string]any)["messages"].(map[string]any)
	for name, m := range messages {
		examples, _ := m.(map[string]any)["examples"].([]any)
		if len(examples) == 0 && name != "deadLetter" {
			t.Errorf("message %s has no example", name)
		}
		for _, e := range examples {
			for part, value := range e.(map[string]any) {
				if part == "name" {
					continue
				}
				if err := messageSchema(t, name, part).Validate(value); err != nil {
					t.Errorf("message %s, example %v: %s: %v", name, e.(map[string]any)["name"], part, err)
				}
			}
		}
	}
}

// messageSchema is the schema of a message's payload or headers.
func messageSchema(tb testing.TB, message, part string) *jsonschema.Schema {
	tb.Helper()
	return compile(tb, schema.AsyncAPI(), "/components/messages/"+message+"/"+part)
}

// TestSamplesAreValidInAsyncAPI: the embedding changes nothing.
func TestSamplesAreValidInAsyncAPI(t *testing.T) {
	t.Parallel()
	s := messageSchema(t, "receipt", "payload")
	for name, text := range samples(t) {
		if err := s.Validate(parse(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		broken := bytes.Replace([]byte(text), []byte(`"ts":"`), []byte(`"ts":"x`), 1)
		if s.Validate(parse(t, string(broken))) == nil {
			t.Errorf("%s with a broken ts passes for valid", name)
		}
	}
}
