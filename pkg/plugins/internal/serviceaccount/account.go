package serviceaccount

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Account is the key of a Google service account, as far as we look at it.
type Account struct {
	Type        string `json:"type"`
	ProjectID   string `json:"project_id"`
	ClientEmail string `json:"client_email"`
	PrivateKey  string `json:"private_key"`

	// text is the whole key as Google gives it out.
	text []byte
}

// Parse reads a service account's key as people have it: with a byte order
// mark, in base64, as the text of a JSON string, or with line breaks in the private
// key that an environment variable or a shell has spoiled. The error says what the
// text is instead, and never quotes it.
func Parse(text []byte) (Account, error) {
	text = Unwrap(text)
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil {
		return Account{}, noKey(kindOfText(text))
	}
	var a Account
	if json.Unmarshal(text, &a) != nil {
		return Account{}, noKey("have a member of the wrong type")
	}
	if is := kindOfObject(a.Type, object); is != "" {
		return Account{}, noKey(is)
	}
	a.text = text
	if repaired := repairPrivateKey(a.PrivateKey); repaired != a.PrivateKey {
		a.PrivateKey = repaired
		object["private_key"], _ = json.Marshal(repaired) // a string always marshals
		a.text, _ = json.Marshal(object)
	}
	return a, nil
}

// whereKeysAre ends what is said of credentials that are none.
const whereKeysAre = "create a key in the Firebase console: project settings, service accounts, generate new private key"

// ErrNoKey says that there is nothing that the token endpoint could be asked with.
var ErrNoKey = errors.New("credentials are not the key of a service account")

func noKey(is string) error { return fmt.Errorf("%w, they %s: %s", ErrNoKey, is, whereKeysAre) }

// Unwrap takes off the layers that people put around the file, see [Parse].
func Unwrap(text []byte) []byte {
	for range 4 { // base64 of a file with a byte order mark has two
		text = bytes.TrimSpace(withoutMark(text))
		inner, ok := unquoteKey(text)
		if !ok {
			inner, ok = decodeKey(text)
		}
		if !ok {
			break
		}
		text = inner
	}
	if !json.Valid(text) {
		text = escapeBreaks(text)
	}
	return text
}

// withoutMark takes off a byte order mark, and the UTF-16 that two of them announce.
func withoutMark(text []byte) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		return text[3:]
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		order = binary.BigEndian
	case !bytes.HasPrefix(text, []byte("\xff\xfe")):
		return text
	}
	var units []uint16
	for text = text[2:]; len(text) >= 2; text = text[2:] {
		units = append(units, order.Uint16(text))
	}
	return []byte(string(utf16.Decode(units)))
}

// unquoteKey reads the key from a JSON string.
func unquoteKey(text []byte) ([]byte, bool) {
	var s string
	if len(text) == 0 || text[0] != '"' || json.Unmarshal(text, &s) != nil {
		return nil, false
	}
	return []byte(s), true
}

// decodeKey reads the key from base64 of either alphabet, wrapped or not.
func decodeKey(text []byte) ([]byte, bool) {
	if len(text) == 0 || text[0] == '{' {
		return nil, false
	}
	packed := strings.NewReplacer("\n", "", "\r", "", " ", "", "-", "+", "_", "/", "=", "").Replace(string(text))
	inner, err := base64.RawStdEncoding.DecodeString(packed)
	if err != nil || !isObjectOrMark(inner) {
		return nil, false
	}
	return inner, true
}

func isObjectOrMark(text []byte) bool {
	text = bytes.TrimSpace(withoutMark(text))
	return len(text) > 0 && text[0] == '{'
}

// escapeBreaks writes line breaks within the strings of a JSON text as JSON wants
// them; a shell's echo undoes that.
func escapeBreaks(text []byte) []byte {
	out := make([]byte, 0, len(text)+64)
	inString := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inString && c == '\n':
			out = append(out, '\\', 'n')
			continue
		case inString && c == '\r':
			continue
		case inString && c == '\\' && i+1 < len(text):
			out = append(out, c)
			i++
			c = text[i]
		case c == '"':
			inString = !inString
		}
		out = append(out, c)
	}
	return out
}

// repairPrivateKey makes line breaks of those that are two characters.
func repairPrivateKey(pem string) string {
	return strings.NewReplacer(`\r\n`, "\n", `\n`, "\n", "\r\n", "\n").Replace(pem)
}

// kindOfText says what a text is that is no JSON object.
func kindOfText(text []byte) string {
	s := string(text)
	switch {
	case s == "":
		return "are empty"
	case strings.Contains(s, "-----BEGIN"):
		return "are a private key alone, without the account that it is of"
	case strings.Contains(s, "<plist"):
		return "are the configuration of an iOS app (GoogleService-Info.plist), which only the app needs"
	case strings.Contains(s, "apiKey") || strings.Contains(s, "firebaseConfig"):
		return "are the configuration of a web app (firebaseConfig), which only the app needs"
	case strings.Contains(s, ":APA91") || strings.HasPrefix(s, "AIza"):
		return "are a server key of FCM's old API, which Google has switched off"
	case strings.HasSuffix(s, ".json") && !strings.Contains(s, "\n"):
		return `are the name of a file, which belongs into the key "credentials_file"`
	case !utf8.Valid(text):
		return "are not text, perhaps a key in the form P12; the JSON form is needed"
	}
	return "are no JSON object"
}

// kindOfObject says what an object is that is no key of a service account; "" if it
// may be one.
func kindOfObject(kind string, object map[string]json.RawMessage) string {
	has := func(name string) bool { _, ok := object[name]; return ok }
	switch {
	case kind == "service_account":
		return missingOf(has)
	case kind == "authorized_user":
		return "are a person's login (an authorised user, as gcloud auth application-default login makes it)"
	case kind == "external_account", kind == "external_account_authorized_user", kind == "impersonated_service_account", kind == "gdch_service_account":
		return "are of the type " + kind + ", which is not supported"
	case has("apiKey"), has("authDomain"), has("messagingSenderId"), has("firebaseConfig"):
		return "are the configuration of a web app (firebaseConfig), which only the app needs"
	case has("project_info"), has("client"):
		return "are the configuration of an Android app (google-services.json), which only the app needs"
	case has("installed"), has("web"):
		return "are an OAuth client, with which people log in"
	case kind != "":
		return "are of an unknown type"
	}
	return missingOf(has)
}

func missingOf(has func(string) bool) string {
	for _, name := range []string{"client_email", "private_key"} {
		if !has(name) {
			return "have no " + name
		}
	}
	return ""
}

// IsNoPath reports whether what should be the path of a key is the key itself, which no
// error may show.
func IsNoPath(s string) bool {
	_, packed := decodeKey([]byte(s))
	return packed || strings.ContainsAny(s, "{\n")
}
