package webpush

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

const minimal = `"vapid":[{"id":"a","key":"` + vectorSender + `"}],"subject":"mailto:push@example.com","url":"https://chat.example.com/#{topic}"`

func configured(t *testing.T, keys ...string) *Config {
	t.Helper()
	c, err := parseConfig("{" + strings.Join(append(keys, minimal), ",") + "}")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func vectorKeys() push.Keys { return push.Keys{P256DH: vectorPublic, Auth: vectorAuth} }

// TestOneSubscriptionIsOneDevice: however it is written, it is registered as the same
// device.
func TestOneSubscriptionIsOneDevice(t *testing.T) {
	t.Parallel()
	const endpoint = "https://updates.push.services.mozilla.com/wpush/v2/gAAA?a=b"
	keys := vectorKeys()
	padded := base64.StdEncoding.EncodeToString(raw(t, vectorAuth))
	want := push.Device{ID: "x", Token: endpoint, Extra: &push.Extra{App: "a", Keys: keys}}
	for name, d := range map[string]push.Device{
		"taken apart":         {Token: endpoint, Extra: &push.Extra{App: "a", Keys: keys}},
		"as the browser says": {Token: `{"endpoint":"` + endpoint + `","expirationTime":null,"keys":{"p256dh":"` + keys.P256DH + `","auth":"` + keys.Auth + `"}}`, Extra: &push.Extra{App: "a"}},
		"in another order":    {Token: `{"keys":{"auth":"` + padded + `","p256dh":"` + keys.P256DH + `="},"endpoint":"` + endpoint + `"}`, Extra: &push.Extra{App: "a"}},
		"not yet expired":     {Token: `{"endpoint":"` + endpoint + `","expirationTime":1000001,"keys":{"p256dh":"` + keys.P256DH + `","auth":"` + keys.Auth + `"}}`, Extra: &push.Extra{App: "a"}},
		"with capitals":       {Token: strings.Replace(endpoint, "updates.push", "UPDATES.Push", 1), Extra: &push.Extra{App: "a", Keys: keys}},
		"with the port":       {Token: strings.Replace(endpoint, ".com/", ".com:443/", 1), Extra: &push.Extra{App: "a", Keys: keys}},
		"with a dot":          {Token: strings.Replace(endpoint, ".com/", ".com./", 1), Extra: &push.Extra{App: "a", Keys: keys}},
	} {
		d.ID = "x"
		got, err := canonical(configured(t), d, time.Unix(1000, 0))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestRefusedSubscriptions: with a reason that quotes none of it.
func TestRefusedSubscriptions(t *testing.T) {
	t.Parallel()
	keys := vectorKeys()
	open := configured(t, `"origins":["*","https://127.0.0.1:9443","http://push.local:9080"]`, `"ports":[443,8443]`)
	for endpoint, want := range map[string]error{
		"http://push.example.com/secret":                            errEndpoint,
		"ftp://push.example.com/secret":                             errEndpoint,
		"https:///secret":                                           errEndpoint,
		"secret":                                                    errEndpoint,
		"https://secret@push.example.com/":                          errEndpoint,
		"https://push.example.com/#secret":                          errEndpoint,
		"https://push.example.com/secret#":                          errEndpoint,
		"https://push.example.com/" + strings.Repeat("secret", 200): errEndpoint,
		"https://push_x.\u200bexample.com/secret":                   errEndpoint,
		"https://push.example.com/?secret=ü":                        errEndpoint,
		"https://push.example.com/?secret= ":                        errEndpoint,
		"https://push.example.com/secret ü?a=%C3%BC":                nil, // what is before the query is escaped
		"https://permanently-removed.invalid/fcm/secret":            errDead,
		"https://127.0.0.1/secret":                                  errPrivate,
		"https://127.0.0.1:8443/secret":                             errPrivate,
		"https://127.1/secret":                                      errPrivate,
		"https://2130706433/secret":                                 errPrivate,
		"https://0x7f000001/secret":                                 errPrivate,
		"https://0x7f.0.0.0x1/secret":                               errPrivate,
		"https://[::1]/secret":                                      errPrivate,
		"https://[::ffff:127.0.0.1]/secret":                         errPrivate,
		"https://localhost/secret":                                  errPrivate,
		"https://push.localhost/secret":                             errPrivate,
		"https://push/secret":                                       errPrivate,
		"https://push.local/secret":                                 errPrivate,
		"https://push.internal/secret":                              errPrivate,
		"https://push.onion/secret":                                 errPrivate,
		"https://push.example.com:9443/secret":                      errPort,
		"https://push.example.com:0/secret":                         errPort,
		"https://push.example.com:8443/secret":                      nil,
		"https://push.example.com/secret":                           nil,
		"https://bücher.example.com/secret":                         nil,
		"https://127.0.0.1:9443/secret":                             nil,
		"http://push.local:9080/secret":                             nil,
		"http://push.local/secret":                                  errEndpoint,

		`{"endpoint":7}`: errEndpoint,
		`{"endpoint":"https://push.example.com/secret"`: errEndpoint,
	} {
		_, err := canonical(open, push.Device{Token: endpoint, Extra: &push.Extra{Keys: keys}}, time.Now())
		if !errors.Is(err, want) || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %v", endpoint, err, want)
		}
	}
}

func TestOriginsAreAsTheConfigSays(t *testing.T) {
	t.Parallel()
	usual, listed := configured(t), configured(t, `"origins":["https://*.example.com","https://push.example.org:8443"]`)
	for _, test := range []struct {
		endpoint string
		by       *Config
		want     error
	}{
		{"https://fcm.googleapis.com/fcm/send/x", usual, nil},
		{"https://web.push.apple.com/x", usual, nil},
		{"https://wns2-par02p.notify.windows.com/w/?token=x", usual, nil},
		{"https://updates.push.services.mozilla.com/x", usual, nil},
		{"https://push.example.com/x", usual, errOrigin},
		{"https://googleapis.com/x", usual, errOrigin},
		{"https://evilgoogleapis.com/x", usual, errOrigin},
		{"https://fcm.googleapis.com.example.com/x", usual, errOrigin},
		{"https://fcm.googleapis.com:8443/x", usual, errPort},
		{"https://a.b.example.com/x", listed, nil},
		{"https://example.com/x", listed, errOrigin},
		{"https://fcm.googleapis.com/x", listed, errOrigin},
		{"https://push.example.org:8443/x", listed, nil},
		{"https://push.example.org/x", listed, errOrigin},
		{"https://push.example.org/x", nil, nil},
		{"https://localhost/x", nil, errPrivate},
	} {
		_, err := canonical(test.by, push.Device{Token: test.endpoint, Extra: &push.Extra{Keys: vectorKeys()}}, time.Now())
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.endpoint, err, test.want)
		}
	}
}

// TestKeysAreChecked: a key that is not on the curve would be refused at each push.
func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	offCurve := base64.RawURLEncoding.EncodeToString(append([]byte{4}, make([]byte, 64)...))
	for name, keys := range map[string]push.Keys{
		"none": {}, "no secret": {P256DH: vectorPublic}, "no key": {Auth: vectorAuth},
		"off the curve": {P256DH: offCurve, Auth: vectorAuth}, "short key": {P256DH: vectorPublic[:80], Auth: vectorAuth},
		"short secret": {P256DH: vectorPublic, Auth: vectorAuth[:20]}, "no base64": {P256DH: vectorPublic, Auth: "******"},
	} {
		_, err := canonical(nil, push.Device{Token: "https://push.example.com/x", Extra: &push.Extra{Keys: keys}}, time.Now())
		if !errors.Is(err, errKeys) {
			t.Errorf("%s: %v, want %v", name, err, errKeys)
		}
	}
	const endpoint = "https://push.example.com/x"
	for name, test := range map[string]struct {
		by    *Config
		token string
		want  error
	}{
		"expired":      {nil, `{"endpoint":"https://PUSH.example.com:443/x","expirationTime":999}`, errExpired},
		"not admitted": {configured(t, `"origins":["https://elsewhere.example.com"]`), `{"endpoint":"https://PUSH.example.com:443/x"}`, errOrigin},
		"without keys": {nil, "https://push.example.com:443/x", errKeys},
	} {
		d, err := canonical(test.by, push.Device{Token: test.token}, time.Unix(1, 0))
		if !errors.Is(err, test.want) || d.Token != endpoint {
			t.Errorf("%s: %q, %v; want %v, and the endpoint so that a registered one can be removed", name, d.Token, err, test.want)
		}
	}
}

// TestConfig: every fault is told, all at once, and no secret.
func TestConfig(t *testing.T) {
	t.Parallel()
	for config, faults := range map[string][]string{
		`{}`: {`"vapid" is missing`, `"subject" is missing`, `"url" is missing`},
		`{"vapid":[{"key":"secret"}],"subject":"mailto:mailto:a@example.com","url":"http://x.example"}`:                                                {`"vapid"`, "vapid generate", `"subject"`, `"url"`},
		`{"vapid":[{"id":"a"},{"id":"a","key":"` + vectorSender + `"},{"key":"` + vectorOwner + `"}],"subject":"push@example.com","format":"secrets"}`: {"without a key, at 0", "without an id, at 2", `id "a" twice`, `"subject"`, `"format" is`},
		`{` + minimal + `,"max_body":100,"max_in_flight":-1,"per_origin":-1,"time_to_live":-1}`:                                                        {`"max_body" is 100`, `"max_in_flight"`, `"per_origin"`, `"time_to_live"`},
		`{` + minimal + `,"origins":["push.example.com","https://*","https://a.*.example.com","http://*.example.com","https://x.example.com/path"]}`:   {`"push.example.com"`, `"https://*"`, `"https://a.*.example.com"`, `"http://*.example.com"`, `/path"`},
		`{` + minimal + `,"allow_private":["10.0.0.1"],"ports":[0]}`:                                                                                   {`"allow_private`, `"10.1.0.0/16"`, `"ports`},
		`{` + minimal + `,"origin":[]}`: {"origins"},
	} {
		_, err := parseConfig(config)
		if err == nil {
			t.Errorf("%s is taken", config)
			continue
		}
		for _, want := range faults {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in:\n%v", config, want, err)
			}
		}
		if strings.Contains(config, `"key":"secret"`) && strings.Contains(err.Error(), "without a key") {
			t.Errorf("a key that is none is called missing, too: %v", err)
		}
		if strings.Contains(err.Error(), `"secret"`) || strings.Contains(err.Error(), vectorSender) {
			t.Errorf("a key is quoted: %v", err)
		}
	}
	for _, config := range []string{`{` + minimal + `}`, `{"vapid":[{"key":"` + vectorSender + `"}],"subject":"https://example.com/contact","format":"data","origins":["*"],"allow_private":["10.0.0.0/8","fd00::/8"],"ports":[443,8443],"apps":["a"]}`} {
		c, err := parseConfig(config)
		if err != nil {
			t.Errorf("%s: %v", config, err)
		}
		if text := fmt.Sprintf("%v %+v %#v", c.VAPID, c.VAPID, c.VAPID); strings.Contains(text, vectorSender) || strings.Contains(text, "big.Int") {
			t.Errorf("the key is printed: %s", text)
		}
	}
}

// TestVAPIDPublic: the public key is what browsers take.
func TestVAPIDPublic(t *testing.T) {
	t.Parallel()
	key, err := parseSecret(vectorOwner)
	if err != nil || key.public != vectorPublic {
		t.Errorf("public key %s, %v", key.public, err)
	}
}
