package broker

import (
	"context"
	"errors"

	"github.com/pushworker/pushworker/internal/consumer"
)

// Lane holds the sources of one handler.
type Lane struct {
	// Fresh has receipts as they were published, Retries those whose time has come
	// again, Suspects those that may be killing processes: over all processes, one
	// suspect at a time is delivered.
	Fresh, Retries, Suspects *Source
}

// Lane binds the durables of one handler. It asks for nothing but their
// CONSUMER.INFO; something missing is an error that says what to do.
func (c *Conn) Lane(ctx context.Context, t Topology, handler string) (Lane, error) {
	return Lane{}, errors.New("not built yet")
}

// Source is one durable of one stream.
type Source struct{}

var _ consumer.Source = (*Source)(nil)

// Pull implements [consumer.Source].
func (s *Source) Pull(ctx context.Context, n int, take func(consumer.Message)) (delivered int, err error) {
	return 0, errors.New("not built yet")
}
