package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Object is one of the broker's objects that a worker needs.
type Object struct {
	// Name is, for example, "stream PUSH" or "durable fcm of stream PUSH".
	Name string
	// Differences are how it is other than it should be.
	Differences []Difference
	// Err says that it is missing, that it may not be asked after, or that a
	// difference costs receipts; and what to do.
	Err error
}

// Inspect looks at every stream and durable of t and changes nothing. It asks for
// STREAM.INFO and CONSUMER.INFO.
func (c *Conn) Inspect(ctx context.Context, t Topology) ([]Object, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	var objects []Object
	for _, want := range t.streams() {
		objects = append(objects, c.inspectStream(ctx, want))
	}
	for _, h := range t.Handlers {
		for _, want := range t.durables(h) {
			objects = append(objects, c.inspectDurable(ctx, want))
		}
	}
	return objects, nil
}

// Bind checks the streams and durables that the lanes need and changes nothing.
// Something that is missing, or that would cost receipts, is an error that says
// what to do; other differences are returned.
func (c *Conn) Bind(ctx context.Context, t Topology) ([]Difference, error) {
	objects, err := c.Inspect(ctx, t)
	errs := []error{err}
	var diffs []Difference
	for _, o := range objects {
		diffs = append(diffs, o.Differences...)
		if o.Err != nil {
			errs = append(errs, fmt.Errorf("binding to %s: %w", o.Name, o.Err))
		}
	}
	return diffs, errors.Join(errs...)
}

// MissingStreams says which streams of t are gone, and why that is bad; nil when
// all are there. Not being allowed to look is an error, too.
func (c *Conn) MissingStreams(ctx context.Context, t Topology) error {
	var errs []error
	for _, want := range t.streams() {
		if _, err := c.streamInfo(ctx, want.Name); err != nil {
			errs = append(errs, fmt.Errorf("looking at stream %s: %w%s", want.Name, err, missingRemedy(err)))
		}
	}
	return errors.Join(errs...)
}

func (c *Conn) inspectStream(ctx context.Context, want jetstream.StreamConfig) Object {
	o := Object{Name: "stream " + want.Name}
	info, err := c.streamInfo(ctx, want.Name)
	if err != nil {
		o.Err = fmt.Errorf("%w%s", err, missingRemedy(err))
		return o
	}
	have := info.Config
	o.judge(mend(o.Name, settingsOf(want), &have, &want, nil))
	return o
}

func (c *Conn) inspectDurable(ctx context.Context, want durable) Object {
	o := Object{Name: want.String()}
	info, err := c.consumerInfo(ctx, want.stream, want.config.Durable)
	if err != nil {
		o.Err = fmt.Errorf("%w%s", err, want.remedy(err))
		return o
	}
	have := info.Config
	o.judge(mend(o.Name, durableSettings(), &have, &want.config, nil))
	return o
}

// judge takes what a mending would have changed, and says what must not stay.
func (o *Object) judge(diffs []Difference, unmendable error) {
	o.Differences = unmended(diffs)
	var errs []error
	for _, err := range Apart(unmendable) {
		errs = append(errs, fmt.Errorf("%w: remove it with the nats CLI if nothing in it is needed, and provision it anew; or use another PUSHWORKER_STREAM or name of the handler", err))
	}
	for _, d := range o.Differences {
		if harm := harm(d.Field); harm != "" {
			errs = append(errs, fmt.Errorf("%s is %s, not %s: %s. Run `pushworker run` once with PUSHWORKER_PROVISION=true and a user who may update it, or change it with `nats stream edit` or `nats consumer edit`", d.Field, d.Have, d.Want, harm))
		}
	}
	o.Err = errors.Join(errs...)
}

// Apart takes a joined error apart.
func Apart(err error) (all []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	text := make([]string, 0, len(joined.Unwrap()))
	for _, one := range joined.Unwrap() {
		text = append(text, one.Error())
		all = append(all, Apart(one)...)
	}
	if err.Error() != strings.Join(text, "\n") { // it says more than its parts
		return []error{err}
	}
	return all
}

// harm is what becomes of receipts while a field differs; empty when lanes can
// work with it.
func harm(field string) string {
	switch field {
	case "discard":
		return "a full stream removes receipts that nobody has handled"
	case "max_msgs_per_subject":
		return "the stream keeps the last receipts only"
	case "no_ack":
		return "publishers are not told what is stored"
	case "allow_msg_schedules":
		return "no retry can be scheduled"
	case "max_deliver":
		return "a receipt that was delivered so often stays in the stream, and is never delivered again"
	case "headers_only":
		return "receipts arrive without their content"
	}
	return ""
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

func (d durable) createSubject() string {
	subject := "$JS.API.CONSUMER.CREATE." + d.stream + "." + d.config.Durable
	if d.config.FilterSubject != "" {
		subject += "." + d.config.FilterSubject
	}
	return subject
}

// remedy is what to do about an error of d, as the end of a sentence.
func (d durable) remedy(err error) string {
	if errors.Is(err, jetstream.ErrNotPullConsumer) {
		return ": it is a push consumer of somebody else; rename the handler"
	}
	return missingRemedy(err)
}

// missingRemedy is what to do about something that is missing, as the end of a
// sentence.
func missingRemedy(err error) string {
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return ": run once with PUSHWORKER_PROVISION=true and a user who may create streams, and check PUSHWORKER_STREAM"
	}
	return ""
}
