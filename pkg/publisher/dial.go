package publisher

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/push"
)

// Connect makes a connection as the config of a handler made by [NewHandler] says, for
// what a chat server does beside publishing. It succeeds although the broker may be
// down, and is tried for ever.
func Connect(jsonconf string) (*nats.Conn, error) {
	cfg, opts, err := readConfig(jsonconf)
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(cfg.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to the broker: check the files and the url of the config: %w", withoutURL(err))
	}
	return nc, nil
}

// readConfig reads the config of a handler, with all its faults.
func readConfig(jsonconf string) (handlerConfig, []nats.Option, error) {
	cfg := handlerConfig{URL: nats.DefaultURL, Subject: DefaultSubject}
	err := push.DecodeConfig(jsonconf, &cfg)
	opts, optErr := cfg.natsOptions()
	return cfg, opts, errors.Join(err, optErr, checkSubject(cfg.Subject))
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

// withoutURL is err without the url, which may hold a password.
func withoutURL(err error) error {
	if bad := new(url.Error); errors.As(err, &bad) {
		return errors.New("url cannot be parsed: " + strings.ReplaceAll(bad.Err.Error(), bad.URL, "…"))
	}
	return err
}
