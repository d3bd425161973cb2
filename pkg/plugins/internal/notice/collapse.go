package notice

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"github.com/pushworker/pushworker/pkg/push"
)

// maxCollapseID is the most that web push takes as a Topic (RFC 8030, section
// 5.4): 32 characters of base64url. Apple takes 64 bytes.
const maxCollapseID = 32

// collapseID is the identity of a message within one device: the same for every
// attempt to deliver it, and for its repetition by another worker. It is readable
// when that fits, and a hash otherwise.
func collapseID(p *push.Payload, topic string) string {
	id := p.What + "-" + topic + "-" + strconv.FormatInt(ordinal(p), 10)
	if len(id) <= maxCollapseID && isBase64URL(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:maxCollapseID*3/4])
}

// ordinal tells the events of a topic apart. A subscription has no number of its
// own: its seq is that of the last message.
func ordinal(p *push.Payload) int64 {
	if p.What == push.ActSub && !p.Timestamp.IsZero() {
		return p.Timestamp.UnixMilli()
	}
	return int64(p.SeqId)
}

func isBase64URL(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
