package broker

import "github.com/pushworker/pushworker/pkg/publisher"

// Publisher returns a publisher of receipts on this connection. Close it before
// the connection. It asks for no permission but to publish.
func (c *Conn) Publisher(cfg publisher.Config) (*publisher.Publisher, error) {
	return publisher.New(c.NATS(), cfg)
}
