package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// LookEvery is how often the key's file is looked at for a new key, and how long
	// fetches pause after a failure.
	LookEvery = 5 * time.Second
	// refreshBefore is how long before its end a ticket is replaced; of one that lives
	// shortly, a quarter of its life.
	refreshBefore = 5 * time.Minute
	// fetchFloor is between two fetches, whatever a ticket says of its life.
	fetchFloor = time.Second
)

var (
	// ErrRefused is wrapped by what a [Fetch] returns when there was an answer, and it
	// was no. A ticket that still lives is then given up, so that this is seen at once.
	ErrRefused = errors.New("token endpoint refuses the credentials")
	// ErrNotYet says that the very first fetch has not ended.
	ErrNotYet = errors.New("token endpoint has not answered yet: check the network if this continues")
)

// Fresh is what a fetch gives, and how long it lives.
type Fresh[T any] struct {
	Value T
	Life  time.Duration
	// Next is after how long another is to be fetched; 0 for shortly before the end.
	Next time.Duration
}

// Fetch trades a key for what the provider wants to see, or makes it.
type Fetch[T any] func(ctx context.Context, key []byte) (Fresh[T], error)

// Source keeps a ticket ready. One goroutine fetches it ahead of its end and again
// when the key's file changes or the provider has refused the ticket; senders read
// one word and wait for nothing but the very first.
type Source[T any] struct {
	fetch Fetch[T]
	what  string

	ticket  atomic.Pointer[Ticket[T]] // nil until the first attempt has ended
	failure atomic.Pointer[error]     // of the last attempt; nil if it gave a ticket
	missing atomic.Pointer[error]     // why the file cannot be looked at; nil if it can
	first   chan struct{}             // closed then
	results struct{ renewed, refused, failed atomic.Uint64 }
	renew   chan struct{}
	stop    context.CancelFunc
	running sync.WaitGroup

	// These belong to the goroutine.
	key     Key
	seen    os.FileInfo // the file when it was read
	renewed time.Time   // when a ticket was last replaced because it had been refused
	renewAt time.Time
}

// Keep starts fetching and does not wait. what is the ticket's name in errors, such
// as "access token".
func Keep[T any](fetch Fetch[T], key Key, what string) *Source[T] {
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo,gosec // ends with Close, which calls stop
	s := &Source[T]{fetch: fetch, key: key, what: what, first: make(chan struct{}), renew: make(chan struct{}, 1), stop: stop}
	s.running.Go(func() { s.run(ctx) })
	return s
}

// Close ends the fetching.
func (s *Source[T]) Close() {
	s.stop()
	s.running.Wait()
}

// Now is the ticket to show, or why there is none.
func (s *Source[T]) Now() (*Ticket[T], error) {
	t := s.ticket.Load()
	if t == nil {
		return nil, ErrNotYet
	}
	if t.err != nil {
		return nil, t.err
	}
	return t, nil
}

// Ready says why there is no ticket, or nil. It waits for the first attempt; once
// there was one it does not wait.
func (s *Source[T]) Ready(ctx context.Context) error {
	if s.ticket.Load() == nil {
		select {
		case <-s.first:
		case <-ctx.Done():
			return ErrNotYet
		}
	}
	return s.ticket.Load().err
}

// Finding is what a check says of the ticket: that there is one, or why there is none
// and what remedy says about that.
func (s *Source[T]) Finding(ctx context.Context, remedy func(error) string) (f push.Finding, ok bool) {
	f = push.Finding{Level: push.LevelOK, Check: s.what}
	err := s.Ready(ctx)
	t, gone := s.Now() // since then, perhaps
	if err = cmp.Or(err, gone); err != nil {
		f.Level, f.Text, f.Remedy = push.LevelFail, err.Error(), remedy(err)
		return f, false
	}
	f.Text = "the credentials give one, good for another " + time.Until(t.Expiry).Round(time.Second).String()
	return f, true
}

// State says how long the ticket lives, why there will be none after it, and how often it
// was renewed.
func (s *Source[T]) State() push.State {
	state := push.State{Refreshes: &push.Refreshes{
		Renewed: s.results.renewed.Load(), Refused: s.results.refused.Load(), Failed: s.results.failed.Load(),
	}}
	failure := cmp.Or(s.failure.Load(), s.missing.Load())
	if failure != nil {
		state.Problem = *failure
	}
	t, err := s.Now()
	if err != nil {
		return state
	}
	state.CredentialsExpire = t.Expiry
	if failure != nil {
		state.Problem = fmt.Errorf("%s cannot be renewed, the last one is good until %s: %w", s.what, t.Expiry.UTC().Format(time.RFC3339), *failure)
	}
	return state
}

// run gets a ticket whenever one is due.
func (s *Source[T]) run(ctx context.Context) {
	s.replace(ctx)
	close(s.first)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.renew:
		case <-time.After(min(time.Until(s.renewAt), LookEvery)):
		}
		s.renewIfDue(ctx)
	}
}

// renewIfDue gets a new ticket if the old one is near its end, or was refused; those
// who wait for one then learn that it is there, or that it will take a while.
func (s *Source[T]) renewIfDue(ctx context.Context) {
	now, t := time.Now(), s.ticket.Load()
	refused := t.refused.Load()
	again := refused && now.Sub(s.renewed) >= LookEvery
	if again {
		s.renewed = now
	}
	if again || !now.Before(s.renewAt) || s.fileChanged() {
		s.replace(ctx)
	}
	if refused {
		t.settle()
	}
}

func (s *Source[T]) fileChanged() bool {
	if s.key.File == "" {
		return false
	}
	info, err := os.Stat(s.key.File)
	if err != nil {
		err = s.key.missing(err)
		s.missing.Store(&err)
		return false
	}
	s.missing.Store(nil)
	return s.seen == nil || !os.SameFile(info, s.seen) ||
		info.Size() != s.seen.Size() || !info.ModTime().Equal(s.seen.ModTime())
}

// replace gets a new ticket. When the provider cannot be asked, a ticket that is
// still good stays; when it refuses the key, that is to be seen at once.
func (s *Source[T]) replace(ctx context.Context) {
	began := time.Now() // its life may count from here
	fresh, err := s.get(ctx)
	s.count(err)
	now := time.Now()
	s.renewAt = now.Add(LookEvery)
	if err == nil {
		s.failure.Store(nil)
		next := cmp.Or(fresh.Next, fresh.Life-min(refreshBefore, fresh.Life/4))
		s.renewAt = now.Add(max(next-now.Sub(began), fetchFloor))
		s.ticket.Store(&Ticket[T]{Value: fresh.Value, Expiry: began.Add(fresh.Life)})
		return
	}
	s.failure.Store(&err)
	if old, none := s.Now(); none == nil && now.Before(old.Expiry) && !errors.Is(err, ErrRefused) {
		return
	}
	s.ticket.Store(&Ticket[T]{err: err})
}

// count counts an attempt to renew the ticket.
func (s *Source[T]) count(err error) {
	switch {
	case err == nil:
		s.results.renewed.Add(1)
	case errors.Is(err, ErrRefused):
		s.results.refused.Add(1)
	default:
		s.results.failed.Add(1)
	}
}

// get reads the key and trades it for a ticket.
func (s *Source[T]) get(ctx context.Context) (Fresh[T], error) {
	if s.key.File != "" {
		text, info, err := s.key.read()
		if err != nil {
			return Fresh[T]{}, err
		}
		s.key.Text, s.seen = text, info
	}
	return s.fetch(ctx, s.key.Text)
}
