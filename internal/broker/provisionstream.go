package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// wantedStream is a stream that shall be there.
type wantedStream struct {
	// object is what people are told that it is.
	object string
	config jetstream.StreamConfig
	// settings are those that matter; the others are the operator's.
	settings []setting[jetstream.StreamConfig]
	// bounded forbids a limit in bytes that would evict what is stored.
	bounded bool
	// otherwise is what to do when the broker cannot change a setting.
	otherwise string
}

// provisionStream creates the stream if it is missing, updates in place what differs
// and may be updated, and returns every difference it found.
func (c *Conn) provisionStream(ctx context.Context, want wantedStream) ([]Difference, error) {
	name := want.config.Name
	info, err := c.streamInfo(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = c.request(ctx, "$JS.API.STREAM.CREATE."+name, func(ctx context.Context) error {
			_, err := c.js.CreateStream(ctx, want.config)
			return err
		})
		if err == nil {
			return []Difference{{Object: want.object, Have: "none", Want: want.config.Description, Mended: true}}, nil
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			info, err = c.streamInfo(ctx, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("provisioning %s: %w%s", want.object, err, c.remedy(ctx, want.config, err))
	}
	return c.mendStream(ctx, info, want)
}

// mendStream updates what differs and may be updated.
func (c *Conn) mendStream(ctx context.Context, info *jetstream.StreamInfo, want wantedStream) ([]Difference, error) {
	have := info.Config
	evicts := func(field string) bool {
		return want.bounded && field == "max_bytes" && info.State.Bytes > uint64(max(0, want.config.MaxBytes))
	}
	diffs, err := mend(want.object, want.settings, &have, &want.config, evicts)
	if err != nil {
		return unmended(diffs), fmt.Errorf("%w: %s", err, want.otherwise)
	}
	if !anyMended(diffs) {
		return diffs, nil
	}
	err = c.request(ctx, "$JS.API.STREAM.UPDATE."+want.config.Name, func(ctx context.Context) error {
		_, err := c.js.UpdateStream(ctx, have)
		return err
	})
	if err != nil {
		return unmended(diffs), fmt.Errorf("updating %s: %w%s", want.object, err, c.remedy(ctx, want.config, err))
	}
	return diffs, nil
}

// reliedOn are those settings of a stream that are named.
func reliedOn(fields ...string) []setting[jetstream.StreamConfig] {
	return slices.DeleteFunc(streamSettings(), func(s setting[jetstream.StreamConfig]) bool {
		return !slices.Contains(fields, s.field)
	})
}
