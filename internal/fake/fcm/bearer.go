package fcm

import (
	"crypto/rand"
	"strings"
	"sync"
	"time"
)

// bearers are the access tokens that the server knows.
type bearers struct {
	any    bool
	issued sync.Map // token → grant
}

// grant is what a token allows.
type grant struct {
	expires time.Time // zero: never
	scoped  bool      // has the scope for messaging
}

// issue makes a token. Expired ones are dropped on the way: the answer is the
// same for a token that expired and one that never was.
func (b *bearers) issue(now time.Time, g grant) string {
	b.issued.Range(func(token, known any) bool {
		if g, ok := known.(grant); ok && !g.expires.IsZero() && now.After(g.expires) {
			b.issued.Delete(token)
		}
		return true
	})
	token := "ya29.fake-" + rand.Text()
	b.issued.Store(token, g)
	return token
}

// revoke forgets every issued token.
func (b *bearers) revoke() {
	b.issued.Range(func(token, known any) bool {
		if g, ok := known.(grant); ok && !g.expires.IsZero() {
			b.issued.Delete(token)
		}
		return true
	})
}

// check names the answer to a request with this Authorization header; empty when
// it may go on.
func (b *bearers) check(header string, now time.Time) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return noCredentials
	}
	if b.any {
		return ""
	}
	known, ok := b.issued.Load(token)
	g, isGrant := known.(grant)
	switch {
	case !ok || !isGrant, !g.expires.IsZero() && !now.Before(g.expires):
		return unauthenticated
	case !g.scoped:
		return insufficientScope
	}
	return ""
}
