package schema_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"math"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/schema"
	"github.com/pushworker/pushworker/pkg/push"
)

var update = flag.Bool("update", false, "write the documents")

const (
	module = "github.com/pushworker/pushworker"
	// idBase names the schemas; nothing needs to be there.
	idBase = "https://" + module + "/schema/"
)

// TestDocumentsAreGenerated compares the embedded documents with what the types
// say now.
func TestDocumentsAreGenerated(t *testing.T) {
	t.Parallel()
	for _, doc := range []struct {
		file, have string
		want       any
	}{
		{"receipt.json", schema.Receipt(), receiptSchema(t)},
		{"device.json", schema.Device(), deviceSchema(t)},
		{"asyncapi.json", schema.AsyncAPI(), asyncAPIDocument(t)},
	} {
		want := pretty(t, doc.want)
		if *update {
			if err := os.WriteFile(doc.file, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := gocmp.Diff(want, doc.have); diff != "" {
			t.Errorf("%s is not what the types say; run go generate ./internal/schema (-want +have):\n%s", doc.file, diff)
		}
	}
}

func pretty(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The forms of a user id: the eleven characters, alone or after usr, or a decimal
// number. Eleven digits are a number when no producer ends a text so.
const (
	uidPattern    = `^(usr)?[A-Za-z0-9_-]{11}$|^[1-9][0-9]{0,19}$`
	notUidPattern = `^(usr)?A{10}[ABCD]$|^0[0-9]{9}[1235679]$`
	modePattern   = `^[JRWPASDOjrwpasdo]*([Nn][\s\S]*)?$`
	printPattern  = `^[^\x00-\x1f\x7f-\xa0]+$`
)

// reflector reads types and comments of the given packages. What follows from a
// type's own UnmarshalJSON it cannot see; mapped says that.
func reflector(t *testing.T, packages ...string) *jsonschema.Reflector {
	t.Helper()
	r := &jsonschema.Reflector{
		ExpandedStruct: true, AllowAdditionalProperties: true, RequiredFromJSONSchemaTags: true, Mapper: mapped,
	}
	for _, p := range packages {
		if err := r.AddGoComments(module+"/internal/schema", "../../"+p, jsonschema.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func mapped(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[push.AccessMode]():
		return &jsonschema.Schema{Type: "string", Pattern: modePattern, Description: "letters of JRWPASDO in any order, or N for none"}
	case reflect.TypeFor[map[push.Uid]push.Recipient]():
		return &jsonschema.Schema{
			Extras:               nullable("object"),
			MaxProperties:        new(uint64(push.DefaultLimits().MaxRecipients)),
			PropertyNames:        &jsonschema.Schema{Pattern: uidPattern, Not: &jsonschema.Schema{Pattern: notUidPattern}},
			AdditionalProperties: &jsonschema.Schema{Ref: "#/$defs/Recipient"},
		}
	case reflect.TypeFor[push.Uid]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Type: "string", Pattern: uidPattern, Not: &jsonschema.Schema{Pattern: notUidPattern}},
			{Type: "integer", Minimum: "1", Maximum: "18446744073709551615"},
		}}
	case reflect.TypeFor[push.Keys]():
		keys := jsonschema.NewProperties()
		keys.Set("p256dh", &jsonschema.Schema{Type: "string", Description: "The public key, 65 bytes in base64url."})
		keys.Set("auth", &jsonschema.Schema{Type: "string", Description: "The secret, 16 bytes in base64url."})
		return &jsonschema.Schema{Extras: nullable("object"), Properties: keys}
	case reflect.TypeFor[push.Failing]():
		return failing()
	case reflect.TypeFor[int]():
		return &jsonschema.Schema{Extras: nullable("integer"), Minimum: number(math.MinInt64), Maximum: number(math.MaxInt64)}
	case reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Extras: nullable("string"), Format: "date-time"}
	case reflect.TypeFor[string](), reflect.TypeFor[bool]():
		return &jsonschema.Schema{Extras: nullable(jsonType(t))}
	case reflect.TypeFor[[]string]():
		return &jsonschema.Schema{Extras: nullable("array"), Items: &jsonschema.Schema{Extras: nullable("string")}}
	}
	return nil
}

// failing has both members or none.
func failing() *jsonschema.Schema {
	members := jsonschema.NewProperties()
	members.Set("why", &jsonschema.Schema{Type: "string", Pattern: `^[a-z-]{1,64}$`, Description: "A short code, such as away."})
	members.Set("since", &jsonschema.Schema{Type: "string", Format: "date-time", Description: "When it was first seen."})
	return &jsonschema.Schema{Extras: nullable("object"), Properties: members, Required: []string{"why", "since"}}
}

// nullable is a type beside null, which leaves a field as it is.
func nullable(kind string) map[string]any { return map[string]any{"type": []string{kind, "null"}} }

func jsonType(t reflect.Type) string {
	if t.Kind() == reflect.Bool {
		return "boolean"
	}
	return t.Kind().String()
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

func receiptSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	r := reflector(t, "pkg/push")
	s := r.Reflect(push.Receipt{})
	recipient := r.Reflect(push.Recipient{})
	payload := s.Definitions["Payload"]
	recipient.Version, recipient.ID, recipient.Definitions = "", "", nil
	s.Definitions = jsonschema.Definitions{"Recipient": recipient, "Payload": payload}
	for _, def := range s.Definitions {
		def.Type, def.Extras = "", nullable("object")
	}
	s.ID, s.Title = idBase+"receipt.json", "Receipt"
	property(t, payload, "what").Examples = []any{push.ActMsg, push.ActSub, push.ActRead}
	describe(t, s, reflect.TypeFor[push.Receipt]())
	describe(t, recipient, reflect.TypeFor[push.Recipient]())
	describe(t, payload, reflect.TypeFor[push.Payload]())
	return s
}

// deviceSchema adds to the type what device.Validate demands.
func deviceSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s := reflector(t, "pkg/push").Reflect(push.Device{})
	extra := reflector(t, "pkg/push").Reflect(push.Extra{})
	for p := extra.Properties.Oldest(); p != nil; p = p.Next() {
		s.Properties.Set(p.Key, p.Value)
	}
	s.ID, s.Title, s.Type = idBase+"device.json", "Device", "object"
	s.Required = []string{"user", "id", "provider", "token"}
	for name, limit := range map[string]uint64{"id": 4096, "token": 4096} {
		p := property(t, s, name)
		p.Type, p.Extras, p.Pattern, p.MaxLength = "string", nil, printPattern, &limit
	}
	provider, lang, platform := property(t, s, "provider"), property(t, s, "lang"), property(t, s, "platform")
	provider.Type, provider.Extras, provider.Pattern = "string", nil, `^[a-z0-9_-]{1,32}$`
	lang.Pattern = `^[A-Za-z0-9_-]{0,35}$`
	platform.Pattern = `^[a-z0-9-]{0,32}$`
	for _, p := range device.Platforms() {
		platform.Examples = append(platform.Examples, p)
	}
	property(t, s, "app").Pattern = `^[A-Za-z0-9.:_-]{0,255}$`
	property(t, s, "kind").Enum = []any{"", "voip", nil}
	property(t, s, "env").Enum = []any{"", "production", "sandbox", nil}
	describe(t, s, reflect.TypeFor[push.Device]())
	return s
}

func property(t *testing.T, s *jsonschema.Schema, name string) *jsonschema.Schema {
	t.Helper()
	p, ok := s.Properties.Get(name)
	if !ok {
		t.Fatalf("no property %s", name)
	}
	return p
}

var (
	constant = regexp.MustCompile(`\[Act(Msg|Sub|Read)\]`)
	docLink  = regexp.MustCompile(`\[([A-Za-z.]+)\]`)
	word     = regexp.MustCompile(`[A-Za-z]+`)
)

// descriptions are of fields whose comment stands elsewhere in the Go sources.
var descriptions = map[string]string{
	"app":        "What the provider knows the app by; absent for the only one.",
	"kind":       "voip for a token that takes calls only; absent for messages.",
	"env":        "production or sandbox, where the token is valid; absent for the handler's.",
	"given":      "The access mode that the topic grants; see want.",
	"id":         "The chat server's own id of the device.",
	"provider":   "Who reached the device, for example fcm.",
	"platform":   "android, ios, web, another name, or empty for unknown.",
	"registered": "When the token was last registered for the user; absent for long ago.",
	"at":         "When it left.",
	"handler":    "The handler that tried.",
	"stream_seq": "Its sequence in stream.",
	"published":  "When it was first published.",
	"skipped":    "How many of the targets were skipped.",
	"gone":       "How many of the targets have gone.",
	"rejected":   "How many of the targets were refused.",
	"retried":    "How many of the targets are tried again.",
}

// instead are for fields whose comment speaks of Go.
var instead = map[string]string{
	"content": "The message: a string, or the object that mime names, such as a Drafty document.",
	"user":    "Whose device it is: usr and eleven characters, those alone, or the decimal number.",
}

// describe turns the descriptions of s, which are Go comments, into the language
// of JSON: one paragraph, and the JSON names instead of the Go ones.
func describe(t *testing.T, s *jsonschema.Schema, of reflect.Type) {
	t.Helper()
	names := map[string]string{"SeqId": "seq", "ContentType": "mime"}
	for f := range of.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names[f.Name] = name
		}
	}
	text := func(s string) string {
		s, _, _ = strings.Cut(s, "\n\n")
		s = constant.ReplaceAllStringFunc(strings.Join(strings.Fields(s), " "), func(c string) string {
			return `"` + strings.ToLower(strings.Trim(c, "[]Act")) + `"`
		})
		s = docLink.ReplaceAllStringFunc(s, func(link string) string {
			name, field, qualified := strings.Cut(strings.Trim(link, "[]"), ".")
			if qualified {
				name += "." + strings.ToLower(field)
			}
			return name
		})
		return word.ReplaceAllStringFunc(s, func(w string) string {
			if name, ok := names[w]; ok {
				return name
			}
			return w
		})
	}
	s.Description = text(s.Description)
	if s.Description == "" {
		t.Errorf("%s has no description", of)
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		p.Value.Description = cmp.Or(instead[p.Key], text(p.Value.Description), descriptions[p.Key])
		if p.Value.Description == "" {
			t.Errorf("%s.%s has no description", of, p.Key)
		}
	}
}
