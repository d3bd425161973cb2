package status

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
)

const (
	// probesAtOnce bounds the questions of one look at the permissions.
	probesAtOnce = 16
	// denialWait is how long the broker's refusal of a subscription may take to
	// arrive after its answer to what was sent behind it.
	denialWait = 100 * time.Millisecond
	// nobodysStream is a name that no stream has.
	nobodysStream = "pushworker-doctor"
)

// Permission is a subject that the broker lets a user use, or not.
type Permission struct {
	// Subject is what was tried, Subscribe whether by subscribing to it.
	Subject   string
	Subscribe bool
	// For says what it is for, Needed whether a worker cannot do without.
	For    string
	Needed bool
	// Err is a [DeniedError] when it is refused, another error when nobody can tell,
	// and nil when it is granted.
	Err error
}

// Permissions tries every permission that a worker of t uses, and with provision
// those for making streams and durables, without changing anything: what is sent
// is either a question or one that the broker refuses for its content, after it has
// looked at the permission, and without a line in its log. What would do harm if a
// broker took it differently, such as purging and pausing, is not tried.
func Permissions(ctx context.Context, c *broker.Conn, t topology.Topology, provision bool) []Permission {
	tries := probes(t)
	if provision {
		tries = append(tries, provisionProbes(t)...)
	}
	all := make([]Permission, len(tries))
	slots := make(chan struct{}, probesAtOnce)
	var trying sync.WaitGroup
	for i, p := range tries {
		trying.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			all[i] = p.Permission
			all[i].Err = try(ctx, c, p)
		})
	}
	trying.Wait()
	return all
}

// probe is how a permission is tried.
type probe struct {
	Permission

	// send makes the message for Subject; nil for a subscription.
	send func(subject string) *nats.Msg
}

// malformed is a request that those APIs refuse which hand out messages. It begins as JSON does, because the
// broker takes other text for an empty request, and carries that out.
func malformed(subject string) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: []byte("{ a question of pushworker doctor, not a request")}
}

// question is a request without arguments.
func question(subject string) *nats.Msg { return &nats.Msg{Subject: subject} }

// misnamed is a request to make or change a stream or durable, of another stream than
// its subject says. Text that is no JSON would be a warning in the broker's log.
func misnamed(subject string) *nats.Msg {
	field := "name"
	if strings.HasPrefix(subject, "$JS.API.CONSUMER.") {
		field = "stream_name"
	}
	return &nats.Msg{Subject: subject, Data: []byte(`{"` + field + `":"` + nobodysStream + `"}`)}
}

// misdirected is a message that no stream stores, as it is for another one.
func misdirected(subject string) *nats.Msg {
	return &nats.Msg{Subject: subject, Header: nats.Header{"Nats-Expected-Stream": {nobodysStream}}}
}

func probes(t topology.Topology) []probe {
	var all []probe
	add := func(needed bool, purpose string, send func(string) *nats.Msg, subjects ...string) {
		for _, s := range subjects {
			all = append(all, probe{Permission{Subject: s, Subscribe: send == nil, For: purpose, Needed: needed}, send})
		}
	}
	for _, s := range t.Streams() {
		add(true, "checking that streams exist", question, "$JS.API.STREAM.INFO."+s.Config.Name)
	}
	for _, h := range t.Handlers {
		lane := "lane " + h
		for _, d := range t.Durables(h) {
			name := d.Stream + "." + d.Config.Durable
			add(true, lane, question, "$JS.API.CONSUMER.INFO."+name)
			add(true, lane, malformed, "$JS.API.CONSUMER.MSG.NEXT."+name, "$JS.ACK."+name+".1.1.1.1.0")
		}
		add(true, "retries of "+lane, misdirected, wire.SchedulePrefix+h+".probe", wire.RetryPrefix+h, wire.RetryPrefix+h+wire.SuspectsToken)
		add(true, "dead letters of "+lane, misdirected, wire.DeadPrefix+h)
	}
	add(true, "dead letters of messages that are not receipts", misdirected, wire.DeadPrefix+"_malformed.probe")
	for _, shard := range t.Each() {
		add(false, "trimming handled history", question, "$JS.API.CONSUMER.LIST."+shard.Receipts())
		add(false, "ages and retries in status", malformed, "$JS.API.DIRECT.GET."+shard.Receipts())
		add(false, "recording how far lanes are", misdirected, shard.PositionKey("probe"))
	}
	add(false, "ages and retries in status", malformed, "$JS.API.DIRECT.GET."+t.RetryStream())
	add(false, "recording how far lanes are", malformed, "$JS.API.DIRECT.GET."+wire.LanesStream)
	add(false, "learning from other workers what was read", nil, wire.MarksPrefix+t.Stream)
	add(false, "asking the broker once for the gauges of all workers", nil, wire.StatusPrefix+t.Stream+".doctor")
	add(false, "the device directory", malformed, "$JS.API.DIRECT.GET."+wire.DevicesStream)
	add(false, "the device directory", misdirected, wire.DevicesPrefix+"probe")
	add(false, "channels", malformed, "$JS.API.DIRECT.GET."+wire.ChannelsStream)
	add(false, "channels", misdirected, wire.ChannelsPrefix+"probe")
	add(false, "channel requests of chat servers", nil, wire.ChannelRequests+"put", wire.ChannelRequests+"ls", wire.ChannelRequests+"rm")
	add(false, "device requests of chat servers", nil, wire.DeviceRequests+"put", wire.DeviceRequests+"ls", wire.DeviceRequests+"rm")
	return all
}

func provisionProbes(t topology.Topology) []probe {
	var all []probe
	add := func(subject string) {
		all = append(all, probe{Permission{Subject: subject, For: "provisioning", Needed: true}, misnamed})
	}
	names := []string{wire.DevicesStream, wire.ChannelsStream, wire.LanesStream}
	for _, s := range t.Streams() {
		names = append(names, s.Config.Name)
	}
	for _, name := range names {
		add("$JS.API.STREAM.CREATE." + name)
		add("$JS.API.STREAM.UPDATE." + name)
	}
	for _, h := range t.Handlers {
		for _, d := range t.Durables(h) {
			add(d.CreateSubject())
		}
	}
	return all
}

func try(ctx context.Context, c *broker.Conn, p probe) error {
	err := c.Ask(ctx, p.Subject, func(ctx context.Context) error {
		if p.send == nil {
			return trySubscription(ctx, c, p.Subject)
		}
		m := p.send(p.Subject)
		m.Subject = c.Subject(m.Subject)
		_, err := c.NATS().RequestMsgWithContext(ctx, m)
		return err
	})
	switch {
	case errors.Is(err, nats.ErrNoResponders): // granted, and nobody is there
		return nil
	case errors.Is(err, context.DeadlineExceeded) && p.send != nil: // a subscription needs no inbox
		return fmt.Errorf("no answer on %s: %w: is the inbox %s.> permitted?", p.Subject, err, inboxOf(c))
	}
	return err
}

// trySubscription subscribes for a moment, beside those who answer.
func trySubscription(ctx context.Context, c *broker.Conn, subject string) error {
	sub, err := c.NATS().SubscribeSync(subject)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // it ends with the connection at the latest
	if err := c.NATS().FlushWithContext(ctx); err != nil {
		return err
	}
	wait := time.NewTimer(denialWait)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return nil
	}
}

// inboxOf is the prefix under which this connection gets answers.
func inboxOf(c *broker.Conn) string {
	prefix, _, _ := strings.Cut(c.NATS().NewInbox(), ".")
	return prefix
}
