package hms_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/hms"
)

func start(t *testing.T, rules string) *hms.Server {
	t.Helper()
	script, err := hms.ParseScript([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := hms.Start(hms.Options{Options: fake.Options{Script: script}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// signed is a token of v3 as a foreign library signs it.
func signed(t *testing.T, s *hms.Server, method jwt.SigningMethod, change func(jwt.MapClaims, map[string]any)) string {
	t.Helper()
	var account struct {
		Key string `json:"private_key"`
		ID  string `json:"key_id"`
		Sub string `json:"sub_account"`
		Aud string `json:"token_uri"`
	}
	if err := json.Unmarshal(s.Account(), &account); err != nil {
		t.Fatal(err)
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(account.Key))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	claims := jwt.MapClaims{"iss": account.Sub, "aud": account.Aud, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = account.ID
	if change != nil {
		change(claims, token.Header)
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const alert = `{"payload":{"notification":{"category":"IM","title":"T","body":"B","clickAction":{"actionType":0}}},"pushOptions":{"ttl":60},"target":{"token":[%s]}}`

func device(i int) string { return fmt.Sprintf("%q", fmt.Sprint("device-token-with-number-", i)) }

// post is the code of the answer, or its status.
func post(t *testing.T, s *hms.Server, path, kind, token, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	if kind != "" {
		req.Header.Set("Push-Type", kind)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	var a struct{ Code, Msg string }
	if json.Unmarshal(text, &a) != nil {
		return resp.Status[:3]
	}
	return strings.TrimSpace(a.Code + " " + map[bool]string{true: a.Msg}[strings.HasPrefix(a.Msg, "{")])
}

const (
	v3 = "/v3/" + hms.DefaultProject + "/messages:send"
	v1 = "/v1/" + hms.DefaultApp + "/messages:send"
)

// TestSigned: only who signs as Huawei wants it is let in.
func TestSigned(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	body := fmt.Sprintf(alert, device(1))
	for name, c := range map[string]struct {
		token, want string
	}{
		"in order":   {signed(t, s, jwt.SigningMethodPS256, nil), "80000000"},
		"RS256":      {signed(t, s, jwt.SigningMethodRS256, nil), "80200001"},
		"none":       {"none", "80200001"},
		"other key":  {signed(t, start(t, ""), jwt.SigningMethodPS256, nil), "80200001"},
		"other kid":  {signed(t, s, jwt.SigningMethodPS256, func(_ jwt.MapClaims, h map[string]any) { h["kid"] = "x" }), "80200001"},
		"other aud":  {signed(t, s, jwt.SigningMethodPS256, func(c jwt.MapClaims, _ map[string]any) { c["aud"] = "x" }), "80200001"},
		"two hours":  {signed(t, s, jwt.SigningMethodPS256, func(c jwt.MapClaims, _ map[string]any) { c["exp"] = time.Now().Add(2 * time.Hour).Unix() }), "80200001"},
		"expired":    {signed(t, s, jwt.SigningMethodPS256, func(c jwt.MapClaims, _ map[string]any) { c["iat"], c["exp"] = 1, 3601 }), "80200005"},
		"not so far": {signed(t, s, jwt.SigningMethodPS256, func(c jwt.MapClaims, _ map[string]any) { c["iat"] = time.Now().Add(time.Hour).Unix() }), "80200001"},
	} {
		if got := post(t, s, v3, "0", c.token, body); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestMessages: what is documented is taken, and nothing else.
func TestMessages(t *testing.T) {
	t.Parallel()
	s := start(t, `{"token":"*-7","answer":"no-right"},{"token":"*-8","answer":"country-not-support"},{"token":"*-9","answer":"inner-error"}`)
	token := signed(t, s, jwt.SigningMethodPS256, nil)
	var many []string
	for i := range 1001 {
		many = append(many, device(100+i))
	}
	data := `{"payload":{"extraData":"{}"},"target":{"token":[` + device(1) + `]}}`
	for name, c := range map[string]struct{ kind, body, want string }{
		"alert":         {"0", fmt.Sprintf(alert, device(1)), "80000000"},
		"background":    {"6", data, "80000000"},
		"call":          {"10", data, "80000000"},
		"1,000":         {"0", fmt.Sprintf(alert, strings.Join(many[1:], ",")), "80000000"},
		"1,001":         {"0", fmt.Sprintf(alert, strings.Join(many, ",")), "80300010"},
		"nobody":        {"0", fmt.Sprintf(alert, ""), "80300010"},
		"no type":       {"", fmt.Sprintf(alert, device(1)), "80100003"},
		"other type":    {"6", fmt.Sprintf(alert, device(1)), "80100003"},
		"unknown key":   {"0", strings.Replace(fmt.Sprintf(alert, device(1)), `"ttl"`, `"tll"`, 1), "80100003"},
		"no title":      {"0", strings.Replace(fmt.Sprintf(alert, device(1)), `"T"`, `""`, 1), "80100003"},
		"category":      {"0", strings.Replace(fmt.Sprintf(alert, device(1)), `"IM"`, `"CHAT"`, 1), "80100003"},
		"ttl":           {"0", strings.Replace(fmt.Sprintf(alert, device(1)), "60", "1296001", 1), "80100004"},
		"size":          {"0", strings.Replace(fmt.Sprintf(alert, device(1)), `"B"`, `"`+strings.Repeat("b", 4096)+`"`, 1), "80300008"},
		"no token":      {"0", fmt.Sprintf(alert, `"x"`), `80300007 {"failure":1,"illegalTokens":{"tokenFormatError":["x"]}}`},
		"part":          {"0", fmt.Sprintf(alert, device(1)+","+device(7)), `80100000 {"failure":1,"illegalTokens":{"noRight":["device-token-with-number-7"]},"success":1}`},
		"whole request": {"0", fmt.Sprintf(alert, device(1)+","+device(9)), "81000001"},
	} {
		if got := post(t, s, v3, c.kind, token, c.body); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	if got := post(t, s, "/v3/x/messages:send", "0", token, "{}"); got != "404" {
		t.Errorf("another project: %s", got)
	}
}

// TestV1: with the secret there is an access token, with which messages of v1 are taken.
func TestV1(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	var app struct {
		ID     string `json:"app_id"`
		Secret string `json:"app_secret"`
	}
	if err := json.Unmarshal(s.App(), &app); err != nil {
		t.Fatal(err)
	}
	ask := func(secret string) string {
		resp, err := http.PostForm(s.URL()+"/oauth2/v3/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {app.ID}, "client_secret": {secret}})
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Token string `json:"access_token"`
		}
		err = json.NewDecoder(resp.Body).Decode(&got)
		if err != nil || resp.Body.Close() != nil {
			t.Fatal(err)
		}
		return got.Token
	}
	if ask(rand.Text()) != "" {
		t.Error("another secret gives a token")
	}
	token := ask(app.Secret)
	const message = `{"message":{"data":"{}","android":{"ttl":"60s","urgency":"HIGH","notification":{"title":"T","default_sound":true,"click_action":{"type":3}}},"token":[%s]}}`
	for name, c := range map[string]struct{ body, want string }{
		"notification":     {fmt.Sprintf(message, device(1)), "80000000"},
		"data":             {`{"message":{"data":"{}","token":[` + device(1) + `]}}`, "80000000"},
		"nothing":          {`{"message":{"token":[` + device(1) + `]}}`, "80100001"},
		"no sound":         {strings.Replace(fmt.Sprintf(message, device(1)), "true", "false", 1), "80100001"},
		"ttl":              {strings.Replace(fmt.Sprintf(message, device(1)), "60s", "soon", 1), "80100004"},
		"no valid":         {fmt.Sprintf(message, `"x"`), `80300007 {"failure":1,"illegal_tokens":["x"]}`},
		"of the other API": {fmt.Sprintf(alert, device(1)), "80100003"},
	} {
		if got := post(t, s, v1, "", token, c.body); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	if got := post(t, s, v1, "", "x", "{}"); got != "80200001" {
		t.Errorf("another token: %s", got)
	}
	s.Expire()
	if got := post(t, s, v1, "", token, fmt.Sprintf(message, device(1))); got != "80200003" {
		t.Errorf("an expired token: %s", got)
	}
}
