package device

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// Mask stands for tokens where people and logs may see them. It is a secret of an
// installation, so that nobody else can tell whether a hash is of a token they
// know.
type Mask [32]byte

// NewMask makes a mask.
func NewMask() Mask {
	var m Mask
	_, _ = rand.Read(m[:]) // never fails
	return m
}

// Hash returns 8 hexadecimal digits that stand for token.
func (m Mask) Hash(token string) string { return m.Hasher()(token) }

// Hasher returns Hash for somebody who calls it often, and from one goroutine at a
// time.
func (m Mask) Hasher() func(token string) string {
	h := hmac.New(sha256.New, m[:])
	var sum [sha256.Size]byte
	return func(token string) string {
		h.Reset()
		_, _ = h.Write([]byte(token))
		return hex.EncodeToString(h.Sum(sum[:0])[:4])
	}
}
