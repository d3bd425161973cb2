package push

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

const (
	p2pPrefix  = "p2p"
	p2pTextLen = 22
)

// P2PTopic returns the name of the conversation of a and b: "p2p" and 22
// characters of base64url, the same in either order. It returns "" if either is
// zero or both are the same user.
func P2PTopic(a, b Uid) string {
	if a.IsZero() || b.IsZero() || a == b {
		return ""
	}
	var pair [16]byte
	binary.LittleEndian.PutUint64(pair[:8], uint64(min(a, b)))
	binary.LittleEndian.PutUint64(pair[8:], uint64(max(a, b)))
	return p2pPrefix + base64.RawURLEncoding.EncodeToString(pair[:])
}

// ParseP2P returns the two users of the conversation topic, the smaller id
// first. It is not ok for any name that [P2PTopic] does not make.
func ParseP2P(topic string) (a, b Uid, ok bool) {
	text, isP2P := strings.CutPrefix(topic, p2pPrefix)
	if !isP2P || len(text) != p2pTextLen {
		return 0, 0, false
	}
	pair, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(pair) != 16 {
		return 0, 0, false
	}
	a = Uid(binary.LittleEndian.Uint64(pair[:8]))
	b = Uid(binary.LittleEndian.Uint64(pair[8:]))
	if P2PTopic(a, b) != topic {
		return 0, 0, false
	}
	return a, b, true
}
