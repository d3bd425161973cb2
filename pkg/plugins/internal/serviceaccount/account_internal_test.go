package serviceaccount

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// genuineKey is a service account's key as Google gives it out.
func genuineKey(tb testing.TB, tokenURI string) string {
	tb.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": "p", "client_email": "a@b.example", "token_uri": tokenURI,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}, "", "  ")
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func utf16LE(s string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(s)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

func TestCredentialsAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	key := genuineKey(t, "https://example.com/token")
	packed := base64.StdEncoding.EncodeToString([]byte(key))
	var wrapped strings.Builder
	for rest := packed; rest != ""; rest = rest[min(76, len(rest)):] {
		wrapped.WriteString(rest[:min(76, len(rest))] + "\n")
	}
	for name, text := range map[string]string{
		"as it is":                  key,
		"two characters for a line": strings.ReplaceAll(key, `\n`, `\\n`),
		"and a carriage return":     strings.ReplaceAll(key, `\n`, `\\r\\n`),
		"Windows lines":             strings.ReplaceAll(key, `\n`, `\r\n`),
		"lines within the string":   strings.ReplaceAll(key, `\n`, "\n"),
		"Windows file, such lines":  strings.ReplaceAll(strings.ReplaceAll(key, "\n", "\r\n"), `\n`, "\r\n"),
		"byte order mark":           "\xef\xbb\xbf" + key,
		"UTF-16":                    utf16LE(key),
		"blanks around":             "\n  " + key + "\n\n",
		"base64":                    packed,
		"base64, wrapped":           wrapped.String(),
		"base64 for addresses":      base64.RawURLEncoding.EncodeToString([]byte(key)),
		"base64 with a mark":        base64.StdEncoding.EncodeToString([]byte("\xef\xbb\xbf" + key)),
		"a string":                  quoted(key),
		"base64 in a string":        quoted(packed),
		"mark, string, base64":      "\xef\xbb\xbf" + quoted(packed) + "\n",
	} {
		a, err := Parse([]byte(text))
		if err != nil || a.ProjectID != "p" || !isPrivateKey([]byte(a.PrivateKey)) {
			t.Errorf("%s: project %q, %v", name, a.ProjectID, err)
			continue
		}
		var given Account
		if err := json.Unmarshal(a.text, &given); err != nil || given.PrivateKey != a.PrivateKey {
			t.Errorf("%s: the text that signs is another: %v", name, err)
		}
		for _, member := range []string{text, quoted(text)} { // of the config
			if !json.Valid([]byte(member)) || !utf8.ValidString(text) {
				continue
			}
			var k Key
			err := json.Unmarshal([]byte(member), &k)
			if err == nil {
				_, err = Parse(k)
			}
			if err != nil && strings.ContainsAny(member[:1], `{"`) {
				t.Errorf("%s, in the config: %v", name, err)
			}
		}
	}
}

func TestCredentialsThatAreNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"apiKey":"secret","authDomain":"x.firebaseapp.com","projectId":"x","messagingSenderId":"1"}`: "web app",
		`const firebaseConfig = { apiKey: "secret" };`:                                                 "web app",
		`{"type":"authorized_user","client_id":"x","client_secret":"secret","refresh_token":"secret"}`: "authorised user",
		`{"project_info":{"project_id":"x"},"client":[],"configuration_version":"1"}`:                  "Android app",
		`<?xml version="1.0"?><plist version="1.0"><dict><key>API_KEY</key></dict></plist>`:            "iOS app",
		`{"type":"external_account","audience":"x"}`:                                                   "external_account",
		`{"installed":{"client_id":"x","client_secret":"secret"}}`:                                     "OAuth client",
		`{"web":{"client_id":"x","client_secret":"secret"}}`:                                           "OAuth client",
		"-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----":                               "a private key alone",
		`AAAAsecret:APA91secret`: "old API",
		`/etc/secret/key.json`:   "credentials_file",
		"\x30\x82\x09\xff":       "P12",
		``:                       "empty",
		`{}`:                     "no client_email",
		`{"type":"service_account","client_email":"secret"}`:   "no private_key",
		`{"type":"service_account","client_email":["secret"]}`: "wrong type",
		`{"type":"something"}`:                                 "unknown type",
		`[]`:                                                   "no JSON object",
	} {
		for _, form := range []string{text, "\xef\xbb\xbf" + text, quoted(text)} {
			if strings.HasPrefix(text, "\x30") && form != text {
				continue
			}
			_, err := Parse([]byte(form))
			if !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Firebase console") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%.60s: got %v, want %q and where the right one is", form, err, want)
			}
		}
	}
}
