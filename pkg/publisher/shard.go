package publisher

import (
	"hash/fnv"
	"strconv"

	"github.com/pushworker/pushworker/pkg/push"
)

// Shard is the stream, 0 to n-1, that takes the receipts with this key where there are
// several: the 32-bit FNV-1a hash of the key, modulo n, as is that of partition() in the
// broker's subject mappings. Values for other languages are in docs/publishing.md.
func Shard(key string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))               // never fails
	return int(h.Sum32() % uint32(max(1, n))) //nolint:gosec // n is 256 at most
}

// ShardKey is the key by which the stream of r is chosen, so that the receipts of a
// conversation stay in their order: its topic; of a receipt without one its channel, or
// else the smallest of the recipients' ids, as text.
func ShardKey(r *push.Receipt) string {
	key := r.Payload.Topic
	if key == "" {
		key = r.Channel
	}
	if key != "" {
		return key
	}
	for uid := range r.To {
		if text := uid.String(); key == "" || text < key {
			key = text
		}
	}
	return key
}

// subject is where r is published; nil is what cannot be read, which the first stream takes.
func (p *Publisher) subject(r *push.Receipt) string {
	if p.cfg.Shards <= 1 || r == nil {
		return p.cfg.Subject
	}
	return p.cfg.Subject + "." + strconv.Itoa(Shard(ShardKey(r), p.cfg.Shards))
}

// subjectOf is where the JSON of a receipt is published.
func (p *Publisher) subjectOf(data []byte) string {
	if p.cfg.Shards <= 1 {
		return p.cfg.Subject
	}
	r, _, err := push.Decode(data, p.cfg.Limits)
	if err != nil {
		r = nil
	}
	return p.subject(r)
}
