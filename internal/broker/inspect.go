package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Bind checks the durables that the lanes need and changes nothing; it asks for
// nothing but their CONSUMER.INFO. Something missing is an error that says what
// to do.
func (c *Conn) Bind(ctx context.Context, t Topology) ([]Difference, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	var diffs []Difference
	var errs []error
	for _, h := range t.Handlers {
		for _, want := range t.durables(h) {
			info, err := c.consumerInfo(ctx, want.stream, want.config.Durable)
			if err != nil {
				errs = append(errs, fmt.Errorf("binding to %s: %w%s", want, err, want.remedy(err)))
				continue
			}
			have := info.Config
			d, err := mend(want.String(), durableSettings(), &have, &want.config, nil)
			diffs, errs = append(diffs, unmended(d)...), append(errs, err)
		}
	}
	return diffs, errors.Join(errs...)
}

func (c *Conn) streamInfo(ctx context.Context, stream string) (info *jetstream.StreamInfo, err error) {
	err = c.request(ctx, "$JS.API.STREAM.INFO."+stream, func(ctx context.Context) error {
		s, err := c.js.Stream(ctx, stream)
		if err == nil {
			info = s.CachedInfo()
		}
		return err
	})
	return info, err
}

func (c *Conn) consumerInfo(ctx context.Context, stream, name string) (info *jetstream.ConsumerInfo, err error) {
	err = c.request(ctx, "$JS.API.CONSUMER.INFO."+stream+"."+name, func(ctx context.Context) error {
		consumer, err := c.js.Consumer(ctx, stream, name)
		if err == nil {
			info = consumer.CachedInfo()
		}
		return err
	})
	return info, err
}

// durablesOf lists the durables of stream, whoever made them.
func (c *Conn) durablesOf(ctx context.Context, stream string) (durables []*jetstream.ConsumerInfo, err error) {
	err = c.request(ctx, "$JS.API.STREAM.INFO."+stream, func(ctx context.Context) error {
		s, err := c.js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		return c.request(ctx, "$JS.API.CONSUMER.LIST."+stream, func(ctx context.Context) error {
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

// mend copies into have what differs from want and may be updated, and reports
// every difference. A difference that cannot be updated is an error. keep says
// which fields are not to be updated although they could.
func mend[C any](object string, settings []setting[C], have, want *C, keep func(field string) bool) ([]Difference, error) {
	var diffs []Difference
	var errs []error
	for _, s := range compare(settings, have, want) {
		d := Difference{Object: object, Field: s.field, Have: s.value(have), Want: s.value(want)}
		switch {
		case s.mend == nil:
			errs = append(errs, fmt.Errorf("%s of %s is %q, not %q, and the broker cannot change it", s.field, object, d.Have, d.Want))
		case keep == nil || !keep(s.field):
			s.mend(have, want)
			d.Mended = true
		}
		diffs = append(diffs, d)
	}
	return diffs, errors.Join(errs...)
}

func anyMended(diffs []Difference) bool {
	for _, d := range diffs {
		if d.Mended {
			return true
		}
	}
	return false
}

// unmended is diffs when nothing was changed after all.
func unmended(diffs []Difference) []Difference {
	for i := range diffs {
		diffs[i].Mended = false
	}
	return diffs
}

// remedy is what to do about an error of a stream, as the end of a sentence.
func (c *Conn) remedy(ctx context.Context, want jetstream.StreamConfig, err error) string {
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return ""
	}
	switch int(api.ErrorCode) {
	case errSubjectOverlap:
		return c.subjectOwners(ctx, want)
	case errNoReplicas, errNoPeers:
		return ": lower PUSHWORKER_REPLICAS or add servers to the cluster"
	case errMaxBytesRequired:
		return ": allow the account streams without a byte limit; a limit on retries would evict them"
	case errStorage, errAccountStorage:
		return ": lower PUSHWORKER_MAX_BYTES or give the broker's account more storage"
	}
	return ""
}

// Codes of the JetStream API that the client has no name for, from nats-server's
// errors.json.
const (
	errSubjectOverlap   = 10065
	errNoReplicas       = 10074
	errNoPeers          = 10005
	errStorage          = 10047
	errAccountStorage   = 10002
	errMaxBytesRequired = 10113
)

// subjectOwners names the streams that hold want's subjects.
func (c *Conn) subjectOwners(ctx context.Context, want jetstream.StreamConfig) string {
	for _, subject := range want.Subjects {
		var owner string
		err := c.request(ctx, "$JS.API.STREAM.NAMES", func(ctx context.Context) (err error) {
			owner, err = c.js.StreamNameBySubject(ctx, subject)
			return err
		})
		if err == nil && owner != want.Name {
			return fmt.Sprintf(": stream %s already takes %s; set PUSHWORKER_STREAM=%s to use it, or PUSHWORKER_SUBJECT to another subject", owner, subject, owner)
		}
	}
	return ": another stream already takes one of its subjects; set PUSHWORKER_SUBJECT to another subject"
}

// String names the durable in differences and errors.
func (d durable) String() string {
	return "durable " + d.config.Durable + " of stream " + d.stream
}

func (d durable) start() string {
	if d.config.DeliverPolicy == jetstream.DeliverNewPolicy {
		return "one that starts with the next receipt published, because other durables are older than " +
			newcomerAfter.String() + "; `pushworker replay --handler " + d.config.Durable + "` sends history"
	}
	return "one that starts with the oldest message kept"
}

func (d durable) createSubject() string {
	subject := "$JS.API.CONSUMER.CREATE." + d.stream + "." + d.config.Durable
	if d.config.FilterSubject != "" {
		subject += "." + d.config.FilterSubject
	}
	return subject
}

// remedy is what to do about an error of d, as the end of a sentence.
func (d durable) remedy(err error) string {
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
		return ": run once with PUSHWORKER_PROVISION=true and a user who may create streams, and check PUSHWORKER_STREAM"
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		return ": it is a push consumer of somebody else; rename the handler"
	}
	return ""
}
