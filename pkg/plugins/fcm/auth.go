package fcm

import (
	"bytes"
	"context"
	"net/http"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// auth keeps ready what shows FCM an access token.
type (
	auth   = credential.Source[pass]
	ticket = credential.Ticket[pass]
)

// pass shows an access token.
type pass struct {
	head          *h2post.Head // of all messages
	authorization string       // the header
}

// newAuth starts fetching and does not wait. The requests go to path.
func newAuth(path string, fetch credential.Fetch[string], c *Config) *auth {
	ready := func(ctx context.Context, key []byte) (credential.Fresh[pass], error) {
		token, err := fetch(ctx, key)
		if err != nil {
			return credential.Fresh[pass]{}, err
		}
		return credential.Fresh[pass]{Value: pass{headWith(path, token.Value), token.Value}, Life: token.Life}, nil
	}
	key := credential.Key{Text: c.Credentials, Name: "credentials_file", Is: "the service account's key"}
	if len(key.Text) == 0 {
		key.File = c.CredentialsFile
	}
	return credential.Keep(ready, key, "access token")
}

// headWith is what all requests have in common that show an authorization.
func headWith(path, authorization string) *h2post.Head {
	return h2post.NewHead(path,
		h2post.Field{Name: "authorization", Value: authorization},
		h2post.Field{Name: "content-type", Value: "application/json"},
		h2post.Field{Name: "user-agent", Value: "pushworker"},
		h2post.Field{Name: "x-goog-api-format-version", Value: "2"}, // of errors
	)
}

// isOurs401 reports whether an answer is about our token, and not about FCM's own
// access to Apple.
func isOurs401(x line.Exchange) bool {
	return x.Status == http.StatusUnauthorized && !bytes.Contains(x.Body, []byte("THIRD_PARTY_AUTH_ERROR"))
}
