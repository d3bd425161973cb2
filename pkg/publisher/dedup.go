package publisher

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"hash"
	"slices"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// DedupID names the notification that r is: equal for two receipts that tell the
// same people of the same event, different otherwise. It is "r2-" and 24
// characters of base64url, which are the first 18 bytes of the SHA-256 of these
// values of r, each written as its length in bytes, a colon, and itself:
//
//	what, topic, channel, from, ts, seq, want, given, webrtc, replace, content,
//	then the 11-character texts of the uids of to, in ascending byte order
//
// seq, want and given are decimal numbers. ts is the time in UTC as RFC 3339 with
// as many decimals of the second as it needs, or empty if it is zero. It counts
// beside seq, because a conversation that is deleted and begun again has the same
// numbers once more; so it has to be the event's, the same at every try to publish.
// content is its JSON if there is no ts to tell receipts apart, else empty.
//
// Recipients count by their uid alone, because unread counters and lists of
// devices differ between two tellings of the same. They do count, because a chat
// server of many nodes splits one message into receipts to different people.
//
// The form is a contract: publishers in other languages may compute it.
func DedupID(r *push.Receipt) string {
	p := &r.Payload
	ts := ""
	if !p.Timestamp.IsZero() {
		ts = p.Timestamp.UTC().Format(time.RFC3339Nano)
	}
	var content []byte
	if p.Timestamp.IsZero() {
		content, _ = json.Marshal(p.Content) // content that is no JSON is refused when r is encoded
	}
	d := digest{Hash: sha256.New()}
	for _, s := range []string{
		p.What, p.Topic, r.Channel, p.From, ts, strconv.Itoa(p.SeqId),
		strconv.FormatUint(uint64(p.ModeWant), 10), strconv.FormatUint(uint64(p.ModeGiven), 10),
		p.Webrtc, p.Replace, string(content),
	} {
		d.add(s)
	}
	uids := make([]string, 0, len(r.To))
	for uid := range r.To {
		uids = append(uids, uid.String())
	}
	slices.Sort(uids)
	for _, uid := range uids {
		d.add(uid)
	}
	return "r2-" + base64.RawURLEncoding.EncodeToString(d.Sum(nil)[:18])
}

// digest hashes strings so that no two lists of them run into each other.
type digest struct {
	hash.Hash
	buf []byte
}

// add hashes s.
func (d *digest) add(s string) {
	d.buf = strconv.AppendInt(d.buf[:0], int64(len(s)), 10)
	d.buf = append(append(d.buf, ':'), s...)
	_, _ = d.Write(d.buf) // a hash never returns an error
}
