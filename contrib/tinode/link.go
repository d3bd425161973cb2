package tinode

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/tinode/chat/server/logs"
	chat "github.com/tinode/chat/server/push"
	"github.com/tinode/chat/server/store"
	"github.com/tinode/chat/server/store/types"

	"github.com/pushworker/pushworker/pkg/publisher"
	client "github.com/pushworker/pushworker/pkg/publisher/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// room is how many receipts and channel requests Tinode may hand over at once; what is
// beyond it drops, as with its other handlers.
const room = 1024

// link is what runs while the handler is ready:
//
//	Tinode ──receipts──► publisher ──► workers        push.receipts
//	Tinode ──requests──► channels  ──► workers        push.channels.*
//	store.Devices (wrapped) ──changed──► workers      push.events.devices_changed
//	workers ──questions──► devices ──► store.Devices  push.directory.*
type link struct {
	nc        *nats.Conn
	publisher *publisher.Handler
	workers   *client.Client
	channels  *channels

	receipts chan *chat.Receipt
	requests chan *chat.ChannelReq
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// connect makes the link that config describes.
func connect(config string, own *devices) (*link, error) {
	l := &link{publisher: publisher.NewHandler(lost), receipts: make(chan *chat.Receipt, room), requests: make(chan *chat.ChannelReq, room)}
	err := l.publisher.Init(config)
	if err != nil {
		return nil, err //nolint:wrapcheck // Init wraps it
	}
	if l.nc, err = publisher.Connect(config); err != nil {
		l.publisher.Stop()
		return nil, err //nolint:wrapcheck // as above
	}
	l.workers = client.NewClient(l.nc)
	l.channels = newChannels(l.workers, store.Users.GetChannels, warn)
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // Tinode's handlers have no context
	l.stop = cancel
	l.running.Go(func() { l.carry(ctx) })
	l.running.Go(func() { tellOfBroker(ctx, l.nc) })
	l.running.Go(func() {
		if err := client.Answer(ctx, l.nc, own, client.AnswerConfig{Report: warn}); err != nil {
			warn(fmt.Errorf("workers get no devices: %w", err))
		}
	})
	return l, nil
}

// carry takes what Tinode hands over until ctx ends and all of it is taken. It never
// waits, so that Tinode drops nothing that nobody counts.
func (l *link) carry(ctx context.Context) {
	for {
		select {
		case r := <-l.receipts:
			l.publish(r)
		case r := <-l.requests:
			l.subscribe(r)
		case <-ctx.Done():
			select {
			case r := <-l.receipts:
				l.publish(r)
			case r := <-l.requests:
				l.subscribe(r)
			default:
				return
			}
		}
	}
}

func (l *link) publish(r *chat.Receipt) {
	if r == nil {
		return
	}
	made := receiptOf(r)
	select {
	case l.publisher.Push() <- made:
	default:
		lost(made, errFull)
	}
}

var errFull = errors.New(`the buffer is full: raise "buffer" in the config of the push handler, or look at the broker`)

func (l *link) subscribe(r *chat.ChannelReq) {
	if r != nil && (r.Channel != "" || r.DeviceID != "") {
		l.channels.add(wish{r.Uid, r.Channel, r.Unsub})
	}
}

// changed is called after Tinode's devices of user have changed. A device that is new
// gets what is sent to the channels that the user reads.
func (l *link) changed(user types.Uid, appeared bool) {
	if err := l.workers.Changed(push.Uid(user)); err != nil {
		warn(err)
	}
	if appeared {
		l.channels.add(wish{user: user})
	}
}

// close stops everything: what is taken is carried on.
func (l *link) close() {
	l.stop()
	l.running.Wait()
	l.publisher.Stop()
	l.channels.stop()
	l.nc.Close()
}

// lost is called for each receipt that could not be published.
func lost(r *push.Receipt, err error) {
	warn(fmt.Errorf("push of %s %s %d is lost: %w", r.Payload.What, r.Payload.Topic, r.Payload.SeqId, err))
}

func warn(err error) { logs.Warn.Println(name+":", err) }
