// Package erasure removes what the streams and the directory of devices have of a user. It refuses to know
// how a receipt names one: that is internal/erase's.
package erasure

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/erase"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// Counts counts what a stream has of a user.
type Counts struct {
	// Where is the stream, "devices" or "channels", and Found how many messages there are the user's.
	Where string `json:"where"`
	Found int    `json:"found"`
	// Erased have been overwritten and deleted, or would be.
	Erased int `json:"erased"`
	// Narrowed were erased, too, and what others are owed of them was written anew.
	Narrowed int `json:"narrowed"`
	// Owed are left, because somebody else is still to be told them; of channels, because
	// a provider has still subscribed the user's devices.
	Owed int `json:"owed"`
}

// Eraser removes what the streams have of a user. Not safe for concurrent use.
type Eraser struct {
	// Devices, if set, is the directory of devices.
	Devices *devices.Directory
	// Channels, if set, is who is in which channel.
	Channels *channels.Directory
	// Step, if set, is called after each message that was erased, one call at a time.
	Step func()

	conn     *broker.Conn
	topology topology.Topology
	letters  *letters.Letters
	dead     *queue.DeadLetters
}

// New returns the eraser of t's streams.
func New(c *broker.Conn, t topology.Topology) *Eraser {
	return &Eraser{conn: c, topology: t, letters: letters.New(c, t), dead: queue.NewDeadLetters(c, t)}
}

// Streams returns the streams that [Eraser.Erase] works on, in their order.
func (e *Eraser) Streams() []string {
	t := e.topology
	return append(t.ReceiptStreams(), t.RetryStream(), t.DeadStream(), t.EventsStream())
}

// All erases in every place, or with dry counts there, and stops after the first error,
// which comes with the counts up to it. Devices go first, so that nothing new is sent, and
// are unsubscribed from channels;
// events last, because the end of a device is one.
func (e *Eraser) All(ctx context.Context, user push.Uid, dry bool) iter.Seq2[Counts, error] {
	return func(yield func(Counts, error) bool) {
		places := []func() (Counts, error){func() (Counts, error) { return e.eraseDevices(ctx, user, dry) }}
		if e.Channels != nil {
			places = append(places, func() (Counts, error) { return e.eraseChannels(ctx, user, dry) })
		}
		for _, stream := range e.Streams() {
			places = append(places, func() (Counts, error) { return e.Erase(ctx, stream, user, dry) })
		}
		for _, erase := range places {
			if counts, err := erase(); !yield(counts, err) || err != nil {
				return
			}
		}
	}
}

func (e *Eraser) eraseDevices(ctx context.Context, user push.Uid, dry bool) (c Counts, err error) {
	c.Where = "devices"
	c.Found, err = e.removeDevices(ctx, user, dry)
	c.Erased = c.Found
	return c, err
}

func (e *Eraser) removeDevices(ctx context.Context, user push.Uid, dry bool) (int, error) {
	if e.Devices == nil {
		return 0, nil
	}
	list, err := e.Devices.List(ctx, user)
	if _, damaged := errors.AsType[*push.UnreadableError](err); damaged { // it goes whatever it says
		list, err = make([]push.Device, 1), nil
	}
	if err != nil || dry {
		return len(list), err
	}
	_, err = e.Devices.Remove(ctx, push.Device{User: user})
	return len(list), err
}

func (e *Eraser) eraseChannels(ctx context.Context, user push.Uid, dry bool) (c Counts, err error) {
	c.Where = "channels"
	if !dry {
		c.Found, c.Owed, err = e.Channels.Erase(ctx, user)
		c.Erased = c.Found
		return c, err //nolint:wrapcheck // it says all
	}
	list, err := e.Channels.List(ctx, user)
	c.Found, c.Erased = len(list), len(list)
	return c, err //nolint:wrapcheck // as above
}

// Erase removes from one of the Streams what it has of user, and overwrites it on the
// broker's disk; with dry it only counts. Nothing that somebody else is still to be
// told goes:
//
//   - A receipt or a retry to the user alone goes at once, delivered or not.
//   - A receipt that names others, too, goes when every durable has settled it. It is
//     not written anew without the user, because that would deliver it once more.
//   - A retry that names others is left to its lane.
//   - A letter that names others is written anew without the user; one that is about
//     the user is left for someone to redrive or drop.
//   - An event goes.
//
// Done again it finds what was left, and what lanes held in between. The counts are
// also right when there is an error, and when ctx ends, of which the error tells.
func (e *Eraser) Erase(ctx context.Context, stream string, user push.Uid, dry bool) (Counts, error) {
	counts := Counts{Where: stream}
	plan, err := e.plan(ctx, stream, user, &counts)
	if err != nil {
		return counts, err
	}
	if dry {
		counts.Erased, counts.Narrowed = len(plan.whole)+len(plan.narrow), len(plan.narrow)
		return counts, nil
	}
	err = e.act(ctx, stream, user, plan, &counts)
	return counts, err
}

// erasing lists what is to go: as a whole, or to be written anew.
type erasing struct{ whole, narrow []uint64 }

// plan looks before anything is deleted, because a message that goes while the
// broker is sending it tears its answer.
func (e *Eraser) plan(ctx context.Context, stream string, user push.Uid, counts *Counts) (plan erasing, err error) {
	judge, err := e.judge(ctx, stream, user)
	if err != nil {
		return plan, err
	}
	for m, err := range e.read(ctx, stream) {
		if err != nil {
			return plan, err
		}
		fate := judge(m)
		if fate != notTheirs {
			counts.Found++
		}
		switch fate {
		case notTheirs:
		case goes:
			plan.whole = append(plan.whole, m.Seq)
		case goesInPart:
			plan.narrow = append(plan.narrow, m.Seq)
		case stays:
			counts.Owed++
		}
	}
	return plan, nil
}

// read reads a stream. There need be no stream of events.
func (e *Eraser) read(ctx context.Context, stream string) iter.Seq2[history.Stored, error] {
	if stream == e.topology.EventsStream() {
		if err := events.Find(ctx, e.conn, e.topology); errors.Is(err, events.ErrNoStream) {
			return func(func(history.Stored, error) bool) {}
		}
	}
	return history.New(e.conn, stream).Read(ctx, history.Stretch{})
}

// fate is what is to become of a message.
type fate uint8

const (
	notTheirs  fate = iota + 1
	goes            // as a whole
	goesInPart      // what others are owed is written anew
	stays           // others are still to be told
)

// judge returns what says the fate of a stream's messages.
func (e *Eraser) judge(ctx context.Context, stream string, user push.Uid) (func(history.Stored) fate, error) {
	switch stream {
	case e.topology.EventsStream():
		return func(m history.Stored) fate {
			if erase.Mentions(m.Data, user) || erase.Mentions([]byte(m.Subject), user) {
				return goes
			}
			return notTheirs
		}, nil
	case e.topology.DeadStream():
		return func(m history.Stored) fate { return fateOfLetter(letters.Read(m), user) }, nil
	case e.topology.RetryStream():
		return func(m history.Stored) fate { return fateOf(erase.Look(m.Data, user), false) }, nil
	}
	below, err := topology.SettledBelow(ctx, e.conn, stream)
	if err != nil {
		return nil, fmt.Errorf("asking what the lanes have settled: %w", err)
	}
	return func(m history.Stored) fate { return fateOf(erase.Look(m.Data, user), m.Seq < below) }, nil
}

func fateOf(f erase.Finding, settled bool) fate {
	switch {
	case !f.Named:
		return notTheirs
	case f.Others() && !settled:
		return stays
	}
	return goes
}

// fateOfLetter is what is to become of a letter. Those that are no receipts are owed
// to nobody: who could be read in them was told. Of one that was cut nobody knows to
// whom else it is owed.
func fateOfLetter(l deadletter.Letter, user push.Uid) fate {
	f := erase.Look(l.Data, user)
	inError := erase.Mentions([]byte(l.Error), user)
	unreadable := l.Reason == retry.Malformed.String() || l.Reason == retry.Oversize.String()
	switch {
	case !f.Named && !inError:
		return notTheirs
	case unreadable:
		return goes
	case l.Truncated:
		return stays
	case f.Named && !f.Others():
		return goes
	case f.About:
		return stays
	}
	return goesInPart
}
