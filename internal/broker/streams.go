package broker

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// StreamInfo asks for the settings and the state of a stream.
func (c *Conn) StreamInfo(ctx context.Context, stream string) (info *jetstream.StreamInfo, err error) {
	err = c.Ask(ctx, "$JS.API.STREAM.INFO."+stream, func(ctx context.Context) error {
		s, err := c.js.Stream(ctx, stream)
		if err == nil {
			info = s.CachedInfo()
		}
		return err
	})
	return info, err
}

// ConsumerInfo asks for the settings and the state of a consumer.
func (c *Conn) ConsumerInfo(ctx context.Context, stream, name string) (info *jetstream.ConsumerInfo, err error) {
	err = c.Ask(ctx, "$JS.API.CONSUMER.INFO."+stream+"."+name, func(ctx context.Context) error {
		consumer, err := c.js.Consumer(ctx, stream, name)
		if err == nil {
			info = consumer.CachedInfo()
		}
		return err
	})
	return info, err
}

// Durables lists the durables of stream, whoever made them.
func (c *Conn) Durables(ctx context.Context, stream string) (durables []*jetstream.ConsumerInfo, err error) {
	err = c.Ask(ctx, "$JS.API.STREAM.INFO."+stream, func(ctx context.Context) error {
		s, err := c.js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		return c.Ask(ctx, "$JS.API.CONSUMER.LIST."+stream, func(ctx context.Context) error {
			list := s.ListConsumers(ctx)
			for info := range list.Info() {
				if info.Config.Durable != "" {
					durables = append(durables, info)
				}
			}
			return list.Err()
		})
	})
	if err != nil {
		return nil, fmt.Errorf("listing the durables of stream %s: %w", stream, err)
	}
	return durables, nil
}
