package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/deadletter"
)

// What the broker answers when there is no message to delete.
const (
	codeNoSequence   = jetstream.ErrorCode(10043)
	codeDeleteFailed = jetstream.ErrorCode(10057)
	noMessageFound   = "no message found" // any more
	endOfStore       = "stream store EOF" // not yet
)

// Remove removes a letter whose receipt lives on. Its bytes stay on the broker's
// disk until that is reused; [Letters.Erase] leaves none. It is no error if there
// is no such letter.
func (l *Letters) Remove(ctx context.Context, seq uint64) error {
	_, err := l.conn.deleteMessage(ctx, l.stream, seq, false)
	return err
}

// Erase removes a letter and overwrites its bytes on the broker's disk. It is false
// if there is no such letter.
func (l *Letters) Erase(ctx context.Context, seq uint64) (bool, error) {
	return l.conn.deleteMessage(ctx, l.stream, seq, true)
}

// Original returns the receipt of l as it was published, byte for byte: from l if
// that has it, or is foreign, else from history. The error wraps [ErrNotStored] when history has
// it no more.
func (l *Letters) Original(ctx context.Context, letter *deadletter.Letter) ([]byte, error) {
	if !letter.Narrowed && !letter.Truncated || letter.Foreign {
		return letter.Data, nil
	}
	m, err := l.conn.History(letter.Stream).Get(ctx, letter.StreamSeq)
	if err != nil {
		return nil, err
	}
	if d := m.Time.Sub(letter.First); d != 0 { // the stream was made anew and counts from 1 again
		return nil, fmt.Errorf("%w: sequence %d of stream %s is another receipt now", ErrNotStored, letter.StreamSeq, letter.Stream)
	}
	return m.Data, nil
}

// deleteMessage deletes a message of a stream, and reports whether it was there. The
// client's own method would need one more permission, to look at the stream.
func (c *Conn) deleteMessage(ctx context.Context, stream string, seq uint64, erase bool) (was bool, err error) {
	body := fmt.Appendf(nil, `{"seq":%d,"no_erase":%t}`, seq, !erase)
	subject := "$JS.API.STREAM.MSG.DELETE." + stream
	var answer *nats.Msg
	err = c.request(ctx, subject, func(ctx context.Context) error {
		answer, err = c.nc.RequestWithContext(ctx, subject, body)
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
		return false, errors.New("the broker says neither yes nor no: it needs nats-server 2.12 or newer")
	case e.ErrorCode == codeNoSequence, e.ErrorCode == codeDeleteFailed && (e.Description == noMessageFound || e.Description == endOfStore):
		return false, nil
	default:
		return false, e
	}
}
