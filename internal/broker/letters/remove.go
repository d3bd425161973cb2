package letters

import (
	"context"
	"fmt"

	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// Remove removes a letter whose receipt lives on. Its bytes stay on the broker's
// disk until that is reused; [Letters.Erase] leaves none. It is no error if there
// is no such letter.
func (l *Letters) Remove(ctx context.Context, seq uint64) error {
	_, err := l.conn.DeleteMessage(ctx, l.stream, seq, false)
	return err
}

// Erase removes a letter and overwrites its bytes on the broker's disk. It is false
// if there is no such letter.
func (l *Letters) Erase(ctx context.Context, seq uint64) (bool, error) {
	return l.conn.DeleteMessage(ctx, l.stream, seq, true)
}

// Original returns the receipt of l as it was published, byte for byte: from l if
// that has it, or is foreign, else from history. The error wraps [ErrNotStored] when history has
// it no more.
func (l *Letters) Original(ctx context.Context, letter *deadletter.Letter) ([]byte, error) {
	if !letter.Narrowed && !letter.Truncated || letter.Foreign {
		return letter.Data, nil
	}
	m, err := history.New(l.conn, letter.Stream).Get(ctx, letter.StreamSeq)
	if err != nil {
		return nil, err
	}
	if d := m.Time.Sub(letter.First); d != 0 { // the stream was made anew and counts from 1 again
		return nil, fmt.Errorf("%w: sequence %d of stream %s is another receipt now", history.ErrNotStored, letter.StreamSeq, letter.Stream)
	}
	return m.Data, nil
}
