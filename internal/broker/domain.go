package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// defaultAPI is where JetStream is asked, and kv where keys of buckets are written.
const defaultAPI, kv = "$JS.API.", "$KV."

// openJetStream opens the JetStream that o names.
func (c *Conn) openJetStream(o Options) (jetstream.JetStream, error) {
	switch {
	case o.Domain != "" && o.APIPrefix != "":
		return nil, fmt.Errorf("domain %s and prefix %s: set one of PUSHWORKER_NATS_DOMAIN and PUSHWORKER_NATS_API_PREFIX", o.Domain, o.APIPrefix)
	case o.Domain != "":
		c.api = "$JS." + o.Domain + ".API."
		return jetstream.NewWithDomain(c.nc, o.Domain)
	case o.APIPrefix != "":
		c.api = strings.TrimSuffix(o.APIPrefix, ".") + "."
		return jetstream.NewWithAPIPrefix(c.nc, o.APIPrefix)
	}
	return jetstream.New(c.nc)
}

// Subject is where a message is sent that would be sent to subject without a domain or
// prefix: requests to $JS.API, and keys of buckets. As in the NATS clients, those are
// written below the prefix, too, because a leaf node may have a bucket of the same name.
func (c *Conn) Subject(subject string) string {
	if c.api == "" {
		return subject
	}
	if rest, ok := strings.CutPrefix(subject, defaultAPI); ok {
		return c.api + rest
	}
	if strings.HasPrefix(subject, kv) {
		return c.api + subject
	}
	return subject
}

// found is nil if stream is there, or if a question to it would tell: elsewhere, something
// takes every question, so that one to a stream that is missing is met with silence and
// not with [nats.ErrNoResponders]. What was found is not looked for again until
// [Conn.forgetFound].
func (c *Conn) found(ctx context.Context, stream string) error {
	if c.api == "" {
		return nil
	}
	if _, known := c.streams.Load(stream); known {
		return nil
	}
	_, err := c.StreamInfo(ctx, stream)
	if _, denied := errors.AsType[*DeniedError](err); denied {
		return nil // then silence must do
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("%w (%w)", nats.ErrNoResponders, err)
	}
	if err == nil {
		c.streams.Store(stream, true)
	}
	return err
}

// forgetFound forgets that stream is there if err says that it was silent.
func (c *Conn) forgetFound(stream string, err error) {
	if errors.Is(err, ErrSilent) {
		c.streams.Delete(stream)
	}
}
