package publisher

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/push"
)

// handlerConcurrency is how many receipts a handler publishes at a time unless
// its config says otherwise.
const handlerConcurrency = 64

// handlerConfig holds the keys of a handler's config beside those of
// [push.Common].
type handlerConfig struct {
	URL     string `json:"url"`
	Subject string `json:"subject"`
	Creds   string `json:"creds_file"`
	NKey    string `json:"nkey_file"`
	CA      string `json:"ca_file"`
	Cert    string `json:"cert_file"`
	Key     string `json:"key_file"`
	Inbox   string `json:"inbox_prefix"`
}

// NewHandler returns a handler that publishes to pushworker the receipts it is
// given. A chat server registers it in place of the handlers that now run in
// pushworker:
//
//	push.Register("pushworker", publisher.NewHandler(report))
//	push.Init(`[{"name":"pushworker","config":{"url":"nats://broker:4222"}}]`)
//
// The keys of its config, beside those of [push.Common]: url (one or more with
// commas between, default nats://127.0.0.1:4222), subject ([DefaultSubject]), and
// for authentication creds_file, nkey_file, ca_file, cert_file with key_file, and
// inbox_prefix (_INBOX). Its concurrency, 64 by default, is how many receipts are
// in flight.
//
// The chat server starts and runs although the broker may be down: Init succeeds, the
// handler tries to connect for ever, and receipts wait in the buffer. The handler
// gives a receipt up when the timeout of the config, 30 s by default, has passed since
// its first try. While the buffer is full, it drops further ones. A handler that stops
// hands back what it has not started, which a chat server does not notice: stop
// producing first.
//
// failed is told of each receipt that could not be published and why. It is called
// by several goroutines at a time and may be nil; when the receipts come from a
// queue, their Done has the error as well.
func NewHandler(failed func(r *push.Receipt, err error)) *push.Adapter {
	return push.Adapt(func(jsonconf string) (push.Work, error) {
		pub, err := dialFor(jsonconf)
		if err != nil {
			return push.Work{}, err
		}
		return push.Work{
			Concurrency: handlerConcurrency,
			Close:       pub.hangUp,
			Handle: func(ctx context.Context, r *push.Receipt) error {
				_, err := pub.Publish(ctx, r)
				if err != nil && failed != nil {
					failed(r, err)
				}
				return instruction(err)
			},
		}, nil
	})
}

// instruction tells a queue what to do about err.
func instruction(err error) error {
	switch {
	case err == nil, errors.Is(err, push.ErrStopping):
		return err
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrRefused):
		return push.Permanent(err)
	}
	return push.Unavailable(err)
}

// dialFor makes the publisher of a handler, with a connection of its own.
func dialFor(jsonconf string) (*Publisher, error) {
	cfg := handlerConfig{URL: nats.DefaultURL, Subject: DefaultSubject}
	err := push.DecodeConfig(jsonconf, &cfg)
	opts, optErr := cfg.natsOptions()
	if err := errors.Join(err, optErr, checkSubject(cfg.Subject)); err != nil {
		return nil, err
	}
	nc, err := nats.Connect(cfg.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to the broker: check the files and the url of the config: %w", withoutURL(err))
	}
	pub, err := New(nc, Config{Subject: cfg.Subject})
	if err != nil {
		nc.Close()
	}
	return pub, err
}

// natsOptions makes of cfg a connection that is tried for ever.
func (cfg *handlerConfig) natsOptions() ([]nats.Option, error) {
	opts := []nats.Option{
		nats.Name("pushworker publisher"),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // credentials may be replaced while we run
		nats.ReconnectWait(500 * time.Millisecond),
		nats.ReconnectJitter(500*time.Millisecond, 500*time.Millisecond),
		// Without a handler the client prints; what concerns a receipt is in its error.
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}
	if cfg.CA != "" {
		opts = append(opts, nats.RootCAs(cfg.CA))
	}
	if cfg.Cert != "" {
		opts = append(opts, nats.ClientCert(cfg.Cert, cfg.Key))
	}
	if cfg.Inbox != "" {
		opts = append(opts, nats.CustomInboxPrefix(cfg.Inbox))
	}
	identity, err := cfg.identity()
	if (cfg.Cert == "") != (cfg.Key == "") {
		err = errors.Join(err, errors.New("cert_file and key_file belong together: set both or none"))
	}
	return append(opts, identity...), err
}

// identity makes of cfg who we are to the broker.
func (cfg *handlerConfig) identity() ([]nats.Option, error) {
	switch {
	case cfg.Creds != "" && cfg.NKey != "":
		return nil, errors.New("creds_file and nkey_file are both set: set one")
	case cfg.Creds != "":
		if _, err := os.Stat(cfg.Creds); err != nil { // the client would read it when it connects
			return nil, fmt.Errorf("find creds_file: %w", err)
		}
		return []nats.Option{nats.UserCredentials(cfg.Creds)}, nil
	case cfg.NKey != "":
		nkey, err := nats.NkeyOptionFromSeed(cfg.NKey)
		if err != nil {
			return nil, fmt.Errorf("read nkey_file: %w", err)
		}
		return []nats.Option{nkey}, nil
	}
	return nil, nil
}

// hangUp ends a publisher that has nothing in flight, and its connection.
func (p *Publisher) hangUp() {
	p.nc.Close()
	p.watching.Wait()
}

// withoutURL is err without the url, which may hold a password.
func withoutURL(err error) error {
	if bad, ok := errors.AsType[*url.Error](err); ok {
		return errors.New("url cannot be parsed: " + strings.ReplaceAll(bad.Err.Error(), bad.URL, "…"))
	}
	return err
}
