package publisher

import (
	"errors"
	"maps"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// publish hands a try of f to the client.
func (p *Publisher) publish(f *flight) error {
	msg := waited(f.msg, f.since)
	err := p.nc.PublishMsg(msg)
	if msg != f.msg && errors.Is(err, nats.ErrMaxPayload) { // rather without it than not at all
		err = p.nc.PublishMsg(f.msg)
	}
	return err
}

// waited is msg as a try sends it: with [WaitedHeader] if it has been here for a second
// or more. msg and its header, which other tries and the file of a queue share, stay as
// they are.
func waited(msg *nats.Msg, since time.Time) *nats.Msg {
	seconds := int64(time.Since(since) / time.Second)
	if seconds < 1 { // or a clock was set back over a restart
		return msg
	}
	if before, err := strconv.ParseUint(msg.Header.Get(WaitedHeader), 10, 32); err == nil {
		seconds += int64(before)
	}
	header := make(nats.Header, len(msg.Header)+1)
	maps.Copy(header, msg.Header)
	header.Set(WaitedHeader, strconv.FormatInt(seconds, 10))
	return &nats.Msg{Subject: msg.Subject, Reply: msg.Reply, Header: header, Data: msg.Data}
}
