package broker

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// natsOptions translates o and hooks c into the connection's life.
func (c *Conn) natsOptions(o Options) ([]nats.Option, error) {
	opts := []nats.Option{
		nats.Name(o.Name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // rotated credentials are picked up
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		nats.PingInterval(pingEvery),
		nats.MaxPingsOutstanding(pingsLost),
		nats.DrainTimeout(closeTimeout),
		nats.ConnectHandler(func(*nats.Conn) { close(c.first) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { c.connectFailed(err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { c.disconnected(err) }),
		nats.ReconnectHandler(func(nc *nats.Conn) { c.reconnected(nc.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { c.asyncError(sub, err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(c.closed) }),
	}
	if o.InProcess != nil {
		opts = append(opts, nats.InProcessServer(o.InProcess))
	}
	if o.InboxPrefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(o.InboxPrefix))
	}
	return appendIdentity(opts, o)
}

func appendIdentity(opts []nats.Option, o Options) ([]nats.Option, error) {
	if o.CredsFile != "" && o.NKeyFile != "" {
		return nil, errors.New("PUSHWORKER_NATS_CREDS_FILE and PUSHWORKER_NATS_NKEY_FILE are both set: set one")
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, errors.New("PUSHWORKER_NATS_CERT_FILE and PUSHWORKER_NATS_KEY_FILE belong together: set both or none")
	}
	if o.CredsFile != "" {
		opts = append(opts, nats.UserCredentials(o.CredsFile))
	}
	if o.NKeyFile != "" {
		nkey, err := nats.NkeyOptionFromSeed(o.NKeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the seed of PUSHWORKER_NATS_NKEY_FILE: %w", err)
		}
		opts = append(opts, nkey)
	}
	if o.CAFile != "" {
		opts = append(opts, nats.RootCAs(o.CAFile))
	}
	if o.CertFile != "" {
		opts = append(opts, nats.ClientCert(o.CertFile, o.KeyFile))
	}
	return opts, nil
}

// connectFailed keeps why an attempt to connect failed, for Connect's error.
func (c *Conn) connectFailed(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

func (c *Conn) disconnected(err error) {
	if !c.closing.Load() {
		c.log.Warn().AnErr("error", err).Msg("broker connection lost; reconnecting until it succeeds")
	}
}

func (c *Conn) reconnected(url string) {
	c.log.Info().Str("url", url).Msg("broker connection restored")
	c.life.reconnected()
}

// asyncError receives what the broker says without being asked.
func (c *Conn) asyncError(sub *nats.Subscription, err error) {
	denied, ok := parseDenied(err)
	if !ok {
		e := c.log.Warn().Err(err)
		if sub != nil {
			e = e.Str("subject", sub.Subject)
		}
		e.Msg("the broker or the NATS client reports an error")
		return
	}
	if c.life.denied(denied) {
		c.log.Error().Err(denied).Msg("broker denied a permission: compare the rights of this user with deploy/permissions")
	}
}
