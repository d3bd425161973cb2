package worker

import (
	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
)

// Topology is the shape of streams and durables that c asks for, with one lane
// per handler.
func Topology(c *config.Config, handlers []string) broker.Topology {
	return broker.Topology{
		Stream:        c.Stream,
		Subject:       c.Subject,
		Replicas:      c.Replicas,
		History:       c.History,
		DeadMaxAge:    c.Dead.MaxAge,
		AckWait:       c.AckWait,
		MaxBytes:      int64(c.MaxBytes),
		RetryMaxBytes: int64(c.Retry.MaxBytes),
		DeadMaxBytes:  int64(c.Dead.MaxBytes),
		Handlers:      handlers,
	}
}

// BrokerOptions says how a client of c reaches the broker. name is what the
// broker's operator sees.
func BrokerOptions(c *config.Config, name string) broker.Options {
	return broker.Options{
		URL:       c.ClientURL(),
		Name:      name,
		CredsFile: c.NATS.CredsFile,
		NKeyFile:  c.NATS.NkeyFile,
		CAFile:    c.NATS.CAFile,
		CertFile:  c.NATS.CertFile,
		KeyFile:   c.NATS.KeyFile,
	}
}
