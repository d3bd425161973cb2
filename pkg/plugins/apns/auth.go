package apns

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/jws"
)

// Apple refuses a token that is older than an hour, and a connection that changes its
// token more often than every 20 minutes ("Establishing a token-based connection to
// APNs"). Tokens are issued on a grid, so that all processes with a key have equal ones.
// A connection keeps the one that it began with until its age is keep, which is at
// least keep-grid after the beginning.
const (
	grid = 30 * time.Minute
	keep = 52 * time.Minute
	// life is how long a token is shown; five minutes are for clocks that differ.
	life = 55 * time.Minute
)

// bearer is a token and the head of the requests that show it.
type bearer struct {
	issued time.Time
	key    [sha256.Size]byte // which one has signed it
	token  string
	head   *h2post.Head
	spent  atomic.Bool // Apple says that it has expired
}

// auth keeps the token of this moment.
type auth struct {
	*credential.Source[*bearer]
	early atomic.Bool // the next token is of now, not of the grid
}

func newAuth(c *Config) *auth {
	a := &auth{}
	key := credential.Key{Text: c.Key, Name: "key_file", Is: "the .p8 file that Apple gave you"}
	if len(c.Key) == 0 {
		key.File = c.KeyFile
	}
	a.Source = credential.Keep(func(_ context.Context, text []byte) (credential.Fresh[*bearer], error) {
		now := time.Now()
		b := &bearer{issued: now.Truncate(grid), key: sha256.Sum256(text)}
		next := b.issued.Add(grid)
		if a.early.Swap(false) {
			b.issued = now.Truncate(time.Second)
		}
		err := b.sign(c, text)
		return credential.Fresh[*bearer]{Value: b, Life: b.issued.Add(life).Sub(now), Next: next.Sub(now)}, err
	}, key, "provider token")
	return a
}

var errCurve = errors.New("private key is an RSA key, and Apple's are not: create a key for APNs at developer.apple.com, certificates, identifiers and profiles, keys")

// sign makes the token, with the key of a .p8 file.
func (b *bearer) sign(c *Config, text []byte) error {
	key, err := jws.ParseKey(text)
	if err != nil {
		return fmt.Errorf("sign a provider token: %w", err)
	}
	if _, ok := key.(*ecdsa.PrivateKey); !ok {
		return errCurve
	}
	id := cmp.Or(keyIDIn(text), c.KeyID)
	if id == "" {
		return errors.New(`sign a provider token: set the key "key_id", or write the line "Key-Id: " and the id before the key in key_file`)
	}
	b.token, err = jws.Sign(key, id, struct {
		Team   string `json:"iss"`
		Issued int64  `json:"iat"`
	}{c.TeamID, b.issued.Unix()})
	if err != nil {
		return fmt.Errorf("sign a provider token: %w", err)
	}
	b.head = h2post.NewHead("/3/device/",
		h2post.Field{Name: "authorization", Value: "bearer " + b.token},
		h2post.Field{Name: "user-agent", Value: "pushworker"},
	)
	b.head.Of = b
	return nil
}

var keyIDPattern = regexp.MustCompile(`(?im)^key-id:[ \t]*([A-Z0-9]{10})[ \t\r]*$`)

// keyIDIn is the id that a line before the key names, or empty.
func keyIDIn(text []byte) string {
	head, _, _ := bytes.Cut(text, []byte("-----BEGIN"))
	if found := keyIDPattern.FindSubmatch(head); found != nil {
		return string(found[1])
	}
	return ""
}

// bearerOf is the token that was sent with a head; nil if none was.
func bearerOf(head *h2post.Head) *bearer {
	if head == nil {
		return nil
	}
	b, _ := head.Of.(*bearer)
	return b
}

// move says with which token a connection goes on, see [h2post.Options]. One whose token
// is spent ends, and so does one that was begun with another key: Apple binds it to that.
func move(from, to *h2post.Head) *h2post.Head {
	was, is := bearerOf(from), bearerOf(to)
	switch {
	case was.spent.Load() || was.key != is.key:
		return nil
	case is.issued.After(was.issued) && time.Since(was.issued) >= keep:
		return to
	}
	return from
}

// instead is a token in place of one that Apple calls expired; nil if there is none
// soon. It is that of the grid if a connection has kept an older one, else one of this
// moment, in case that Apple's clock is ahead of ours.
func (a *auth) instead(ctx context.Context, spent *bearer) *bearer {
	spent.spent.Store(true)
	t, err := a.Now()
	if err == nil && t.Value == spent {
		a.early.Store(true)
		t = a.Instead(ctx, t)
	}
	if err != nil || t == nil {
		return nil
	}
	return t.Value
}
