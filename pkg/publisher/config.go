package publisher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/push"
)

// DefaultSubject is where receipts are published unless [Config.Subject] or
// [Subject] says otherwise.
const DefaultSubject = "push.receipts"

// maxShards is the most that workers know.
const maxShards = 256

// Config says how a [Publisher] publishes. Its zero value is ready to use.
type Config struct {
	// Subject is "push.receipts", the default, or "push.receipts.<anything>".
	Subject string
	// Shards is how many streams share the receipts, PUSHWORKER_STREAMS of the workers: a
	// receipt is then published to Subject.N, with N from [Shard] by its [ShardKey]. At most
	// 256. Zero and 1 leave Subject as it is. Raise it after the workers have made the streams.
	Shards int
	// MaxInFlight is how many receipts may be unacknowledged at a time; publishing
	// one more waits for room. The default is 1024.
	MaxInFlight int
	// AckTimeout is how long one try waits for the broker's acknowledgement before
	// the next one. The default is 5 s.
	AckTimeout time.Duration
	// RetryFor is how long a receipt is tried again after transient failures. The
	// default, 90 s, ends within the default dedup window of a stream, 2 min: a try
	// after the window could store the receipt a second time. Pauses between tries
	// are random, at most 100 ms after the first try, 200 ms after the second, and
	// so on up to 2 s.
	RetryFor time.Duration
	// MaxTries ends the tries sooner than RetryFor: 1 means never to try again. The
	// default, zero, leaves it to RetryFor.
	MaxTries int
	// DedupID names receipts; the default is [DedupID]. The broker stores one
	// message per id and dedup window. Receipts for which it returns "" get an id
	// of their own, so that only the tries of one call are stored once.
	DedupID func(r *push.Receipt) string
	// Limits are those of the workers; what is beyond them is refused with [ErrTooLarge],
	// because workers would make a dead letter of it, unless it can be split by recipients.
	// Each part then has a dedup id of its own. Zero fields have the workers'
	// defaults: see [push.DefaultLimits].
	Limits push.Limits
	// MaxContent is how many bytes of JSON the content of a receipt may have. What is longer is
	// cut: inline pictures and files are left out of a Drafty document, then its text is
	// shortened at a character and ends with "…". Content of another kind is left out. The default,
	// zero, cuts nothing.
	MaxContent int
	// Trace returns the headers that carry the trace of ctx, such as traceparent.
	// They are sent under lower-case names, which every W3C reader finds. With
	// OpenTelemetry it is two lines:
	//
	//	c := propagation.MapCarrier{}
	//	otel.GetTextMapPropagator().Inject(ctx, c); return c
	Trace func(ctx context.Context) map[string]string
}

// withDefaults fills what is zero and refuses what cannot work.
func (c Config) withDefaults() (Config, error) {
	c.Subject = cmp.Or(c.Subject, DefaultSubject)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 1024)
	c.AckTimeout = cmp.Or(c.AckTimeout, 5*time.Second)
	c.RetryFor = cmp.Or(c.RetryFor, 90*time.Second)
	def := push.DefaultLimits()
	c.Limits.MaxBytes = cmp.Or(c.Limits.MaxBytes, def.MaxBytes)
	c.Limits.MaxDepth = cmp.Or(c.Limits.MaxDepth, def.MaxDepth)
	c.Limits.MaxKeys = cmp.Or(c.Limits.MaxKeys, def.MaxKeys)
	c.Limits.MaxRecipients = cmp.Or(c.Limits.MaxRecipients, def.MaxRecipients)
	if c.DedupID == nil {
		c.DedupID = DedupID
	}
	if min(c.MaxInFlight, c.MaxTries, c.MaxContent) < 0 || min(c.AckTimeout, c.RetryFor) < 0 {
		return c, errors.New("check publisher config: MaxInFlight, AckTimeout, RetryFor, MaxTries and MaxContent must not be negative")
	}
	if c.Shards < 0 || c.Shards > maxShards {
		return c, fmt.Errorf("check publisher config: %d shards: use 0 to %d, PUSHWORKER_STREAMS of the workers", c.Shards, maxShards)
	}
	return c, checkSubject(c.Subject)
}

// maxSubject keeps a subject within the line that a broker reads, of 4 KiB: it ends the
// connection of who sends a longer one.
const maxSubject = 3 << 10

// checkSubject refuses what cannot be published to.
func checkSubject(subject string) error {
	if len(subject) > maxSubject {
		return fmt.Errorf("%w: the subject has %d bytes: use at most %d", ErrRefused, len(subject), maxSubject)
	}
	if subject == "" || strings.ContainsAny(subject, "*> \t\r\n") ||
		strings.HasPrefix(subject, ".") || strings.HasSuffix(subject, ".") || strings.Contains(subject, "..") {
		return fmt.Errorf("%w: subject %q: use %s or %s.<name>, without wildcards and spaces",
			ErrRefused, subject, DefaultSubject, DefaultSubject)
	}
	return nil
}

// checkHeader refuses names with which NATS sends no message.
func checkHeader(h nats.Header) error {
	for name := range h {
		if name == "" || strings.ContainsFunc(name, notInName) {
			return fmt.Errorf("%w: header %q: use a name of letters, digits and hyphens", ErrRefused, name)
		}
	}
	return nil
}

// notInName reports whether NATS refuses r in the name of a header.
func notInName(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}
