package worker

import (
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// Topology is the shape of streams and durables that c asks for, with one lane
// per handler.
func Topology(c *config.Config, handlers []string) topology.Topology {
	starts := make(map[string]string)
	for _, h := range c.Handlers {
		if h.Start != "" {
			starts[h.Name] = h.Start
		}
	}
	return topology.Topology{
		Stream:        c.Stream,
		Subject:       c.Subject,
		Shards:        c.Streams.Count,
		Replicas:      c.Replicas,
		History:       c.History,
		DeadMaxAge:    c.Dead.MaxAge,
		AckWait:       c.AckWait,
		MaxBytes:      int64(c.MaxBytes),
		RetryMaxBytes: int64(c.Retry.MaxBytes),
		DeadMaxBytes:  int64(c.Dead.MaxBytes),
		Handlers:      handlers,
		Starts:        starts,
	}
}

// BrokerOptions says how a client of c reaches the broker. name is what the
// broker's operator sees.
func BrokerOptions(c *config.Config, name string) broker.Options {
	o := broker.Options{URL: c.ClientURL(), Name: name}
	o.CAFile = c.NATS.CAFile
	if c.UsesEmbedded() {
		return o // which knows no users, only the token in the URL
	}
	o.InboxPrefix = c.NATS.InboxPrefix
	o.Domain, o.APIPrefix = c.NATS.Domain, c.NATS.APIPrefix
	o.CredsFile, o.NKeyFile = c.NATS.CredsFile, c.NATS.NkeyFile
	o.CertFile, o.KeyFile = c.NATS.CertFile, c.NATS.KeyFile
	return o
}

// embeddedOptions is the embedded broker that c asks for.
func embeddedOptions(c *config.Config, log zerolog.Logger) embedded.Options {
	return embedded.Options{
		Addr:       c.Embedded.Addr,
		DataDir:    c.DataDir,
		SyncAlways: c.Embedded.Sync == "always",
		Token:      c.Embedded.Token.Reveal(),
		CertFile:   c.Embedded.CertFile,
		KeyFile:    c.Embedded.KeyFile,
		Insecure:   c.Embedded.Insecure,
		Log:        log,
	}
}
