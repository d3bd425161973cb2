package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What the broker answers when there is no message to delete.
const (
	codeNoSequence   = jetstream.ErrorCode(10043)
	codeDeleteFailed = jetstream.ErrorCode(10057)
	noMessageFound   = "no message found" // any more
	endOfStore       = "stream store EOF" // not yet
)

// DeleteMessage deletes a message of a stream, and reports whether it was there. The
// client's own method would need one more permission, to look at the stream.
func (c *Conn) DeleteMessage(ctx context.Context, stream string, seq uint64, erase bool) (was bool, err error) {
	body := fmt.Appendf(nil, `{"seq":%d,"no_erase":%t}`, seq, !erase)
	subject := "$JS.API.STREAM.MSG.DELETE." + stream
	var answer *nats.Msg
	err = c.Ask(ctx, subject, func(ctx context.Context) error {
		answer, err = c.nc.RequestWithContext(ctx, c.Subject(subject), body)
		return err
	})
	if err == nil {
		was, err = readDeleted(answer.Data)
	}
	if err != nil {
		return false, fmt.Errorf("deleting message %d of stream %s: %w", seq, stream, err)
	}
	return was, nil
}

func readDeleted(answer []byte) (was bool, err error) {
	var said struct {
		Success bool                `json:"success"`
		Error   *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return false, fmt.Errorf("reading the broker's answer: %w", err)
	}
	switch e := said.Error; {
	case e == nil && said.Success:
		return true, nil
	case e == nil:
		return false, errors.New("the broker's answer holds no result: use nats-server 2.12 or newer")
	case e.ErrorCode == codeNoSequence, e.ErrorCode == codeDeleteFailed && (e.Description == noMessageFound || e.Description == endOfStore):
		return false, nil
	default:
		return false, e
	}
}
