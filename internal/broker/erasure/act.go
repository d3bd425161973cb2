package erasure

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/erase"
	"github.com/pushworker/pushworker/pkg/push"
)

// erasesAtOnce is how many deletions are on their way at a time, so that those of a
// replicated stream do not each wait for all servers.
const erasesAtOnce = 32

// act carries out a plan. Letters are written anew one after the other, because
// their order is the one in which others are told; an old one goes when what others
// are owed of it is stored. When ctx ends nothing more is begun, and what is on its
// way is waited for, so that the counts are right.
func (e *Eraser) act(ctx context.Context, stream string, user push.Uid, plan erasing, counts *Counts) error {
	d := deleting{eraser: e, stream: stream, slots: make(chan struct{}, erasesAtOnce)}
	for _, seq := range plan.narrow {
		if d.failure(ctx) != nil {
			break
		}
		if err := e.renew(ctx, seq, user); err != nil {
			d.done(0, err)
			break
		}
		d.start(ctx, seq, 1)
	}
	for _, seq := range plan.whole {
		if d.failure(ctx) != nil {
			break
		}
		d.start(ctx, seq, 0)
	}
	d.going.Wait()
	counts.Erased, counts.Narrowed = d.erased, d.narrowed
	if d.err == nil && d.erased < len(plan.narrow)+len(plan.whole) {
		d.err = context.Cause(ctx)
	}
	return d.err
}

// deleting deletes messages of a stream, several at a time.
type deleting struct {
	eraser *Eraser
	stream string
	slots  chan struct{}
	going  sync.WaitGroup

	mu               sync.Mutex
	erased, narrowed int
	err              error // the first
}

// failure is why nothing more is to be begun.
func (d *deleting) failure(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.err, ctx.Err())
}

// start deletes a message when there is a slot; narrowed is 1 if it was written anew.
func (d *deleting) start(ctx context.Context, seq uint64, narrowed int) {
	d.slots <- struct{}{}
	d.going.Go(func() {
		defer func() { <-d.slots }()
		_, err := d.eraser.conn.DeleteMessage(context.WithoutCancel(ctx), d.stream, seq, true)
		d.done(narrowed, err)
	})
}

func (d *deleting) done(narrowed int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		if d.err == nil {
			d.err = err
		}
		return
	}
	d.erased++
	d.narrowed += narrowed
	if d.eraser.Step != nil {
		d.eraser.Step()
	}
}

// renew writes a letter anew without user, and waits until that is stored. The dedup
// id makes the repeat of an interrupted one no second letter.
func (e *Eraser) renew(ctx context.Context, seq uint64, user push.Uid) error {
	l, err := e.letters.Show(ctx, seq)
	if errors.Is(err, letters.ErrNoLetter) { // it was redriven or dropped
		return nil
	}
	if err != nil {
		return err
	}
	if f := erase.Look(l.Data, user); f.Named {
		if l.Data, err = push.Narrow(l.Data, f.Rest, f.Channel); err != nil {
			return fmt.Errorf("narrowing letter %d: %w", seq, err)
		}
		l.Narrowed = true
	}
	l.Error = strings.ReplaceAll(l.Error, user.String(), "(erased)")
	l.ID = "erase:" + strconv.FormatUint(l.Seq, 10) + ":" + strconv.FormatInt(l.Stored.UnixNano(), 36)
	return e.dead.Bury(ctx, l)
}
