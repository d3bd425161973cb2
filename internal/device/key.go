package device

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// UserPrefix begins the keys of the lists.
	UserPrefix  = "user."
	tokenPrefix = "token."
)

// userKey is the key of user's list.
func userKey(user push.Uid) string { return UserPrefix + user.String() }

// userKeys is userKey for many.
func userKeys(users []push.Uid) []string {
	keys := make([]string, len(users))
	for i, u := range users {
		keys[i] = userKey(u)
	}
	return keys
}

// UserOf returns whose list is under key, or 0 if it is not the key of a list.
func UserOf(key string) push.Uid {
	text, ok := strings.CutPrefix(key, UserPrefix)
	if !ok {
		return 0
	}
	var user push.Uid
	_ = user.UnmarshalText([]byte(text)) // leaves 0
	if user.String() != text {
		return 0
	}
	return user
}

// tokenKey is the key of the claim to d's token. The hash needs no secret: whoever
// can read the keys can read the tokens.
func tokenKey(d push.Device) string {
	sum := sha256.Sum256([]byte(d.Provider + "\x00" + d.Token))
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// AddressKey stands for d's address where a secret may not be: it is no way back to it.
func AddressKey(d push.Device) string { return tokenKey(d) }

func tokenKeys(devices []push.Device) []string {
	keys := make([]string, len(devices))
	for i, d := range devices {
		keys[i] = tokenKey(d)
	}
	return keys
}

// sameToken reports whether a and b have the same address.
func sameToken(a, b push.Device) bool { return a.Provider == b.Provider && a.Token == b.Token }

// sameDevice reports whether a and b are the same installation, and of the same kind:
// a token for calls does not replace the one for messages.
func sameDevice(a, b push.Device) bool {
	one, other := a.More(), b.More()
	return a.Provider == b.Provider && a.ID == b.ID && one.App == other.App && one.Kind == other.Kind
}
