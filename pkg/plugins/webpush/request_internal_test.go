package webpush

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestHeaders: each vendor gets those of the RFCs, Microsoft one more without which it
// refuses a TTL, and none of a draft. The claim is for the server, and the path is the
// endpoint's.
func TestHeaders(t *testing.T) {
	t.Parallel()
	for endpoint, more := range map[string]map[string]string{
		"https://fcm.googleapis.com/fcm/send/a:b":              nil,
		"https://wns2-par02p.notify.windows.com/w/?token=a%2b": {"X-Wns-Cache-Policy": "cache"},
	} {
		s := newSender(t.Context(), configured(t))
		d := push.Device{Token: endpoint, Extra: &push.Extra{Keys: vectorKeys()}}
		to, err := parseSubscription(d)
		if err != nil {
			t.Fatal(err)
		}
		var got *http.Request
		s.origins.get(to.origin).wire = line.WireOver(h2post.NewNetHTTP(t.Context(), to.origin, 0, roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r
			return &http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(strings.NewReader(""))}, nil
		})))
		if a := s.line.Send(t.Context(), s.call(d, &message{text: []byte("{}"), kind: kindDeclarative, ttl: "60", urgency: "high", topic: "one"})); a.Fate != line.Accepted {
			t.Fatalf("%+v", a)
		}
		claims := verified(t, got.Header.Get("Authorization"))
		if !strings.HasPrefix(claims, `{"aud":"`+to.origin+`","exp":`) || !strings.HasSuffix(claims, `,"sub":"mailto:push@example.com"}`) || got.URL.String() != endpoint {
			t.Errorf("%s: posted to %s with the claims %s", endpoint, got.URL, claims)
		}
		want := map[string]string{
			"Content-Encoding": "aes128gcm", "Content-Type": kindDeclarative, "Ttl": "60", "Urgency": "high", "Topic": "one", "User-Agent": "pushworker",
		}
		maps.Copy(want, more)
		all := make(map[string]string)
		for name, values := range got.Header {
			if name != "Authorization" {
				all[name] = strings.Join(values, ", ")
			}
		}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("%s (-want +got):\n%s", endpoint, diff)
		}
		s.origins.close()
	}
}
