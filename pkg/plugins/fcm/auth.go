package fcm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// refreshBefore is how long before its end an access token is replaced; of one
	// that lives shortly, a quarter of its life.
	refreshBefore = 5 * time.Minute
	// lookEvery is how often the credentials file is looked at for a new key, and
	// how long the token endpoint is left alone after a failure.
	lookEvery = 5 * time.Second
	// fetchFloor is between two requests for a token, whatever the endpoint says of its
	// life.
	fetchFloor = time.Second
)

// auth keeps an access token ready. One goroutine fetches it ahead of its end and
// again when the credentials file changes or FCM has refused the token; senders
// read one word and wait for nothing but the very first.
type auth struct {
	next  http.RoundTripper
	fetch fetcher

	token   atomic.Pointer[accessToken] // nil until the first attempt has ended
	failure atomic.Pointer[error]       // of the last attempt; nil if it gave a token
	missing atomic.Pointer[error]       // why the file cannot be looked at; nil if it can
	first   chan struct{}               // closed then
	renew   chan struct{}
	stop    context.CancelFunc
	running sync.WaitGroup

	// These belong to the goroutine.
	file    string // read again when it changes; empty for credentials in the config
	key     []byte
	seen    os.FileInfo // the file when it was read
	renewed time.Time   // when a token was last replaced because FCM had refused it
	renewAt time.Time
}

// grant is what the token endpoint gives.
type grant struct {
	token string
	life  time.Duration
}

// accessToken is what the last attempt to get one gave.
type accessToken struct {
	header  string // of Authorization; empty when err is set
	expiry  time.Time
	err     error
	refused atomic.Bool   // by FCM
	settled chan struct{} // closed when it has been replaced after that, or will not be soon
}

var errNoToken = errors.New("token endpoint has not answered yet: check the network if this goes on")

// newAuth starts fetching and does not wait.
func newAuth(next http.RoundTripper, fetch fetcher, key []byte, file string) *auth {
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // ends with close
	a := &auth{
		next: next, fetch: fetch, file: file, key: key,
		first: make(chan struct{}), renew: make(chan struct{}, 1), stop: stop,
	}
	a.running.Go(func() { a.run(ctx) })
	return a
}

func (a *auth) close() {
	a.stop()
	a.running.Wait()
}

// RoundTrip implements [http.RoundTripper]. A request whose token is refused is
// repeated once if there is a fresh one: a refusal says that nothing was sent.
func (a *auth) RoundTrip(req *http.Request) (*http.Response, error) {
	token := a.token.Load()
	if token == nil || token.err != nil { // it has gone since ready was asked
		return nil, errNoToken
	}
	resp, err := a.ask(req, token)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !isOurs401(resp) {
		return resp, err
	}
	fresh := a.fresh(req.Context(), token)
	again := repeatable(req)
	if fresh == nil || again == nil {
		return resp, nil
	}
	return a.ask(again, fresh)
}

func (a *auth) ask(req *http.Request, token *accessToken) (*http.Response, error) {
	exchangeOf(req).token = token
	req.Header.Set("Authorization", token.header) // the SDK makes a request for every attempt
	return a.next.RoundTrip(req)
}

// isOurs401 reports whether an answer is about our token, and not about FCM's own
// access to Apple.
func isOurs401(resp *http.Response) bool {
	body, err := io.ReadAll(resp.Body) // the pool has read it
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && !bytes.Contains(body, []byte("THIRD_PARTY_AUTH_ERROR"))
}

// repeatable is req once more; nil if its body cannot be had again.
func repeatable(req *http.Request) *http.Request {
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	again := req.Clone(req.Context())
	again.Body = body
	return again
}

// fresh waits for a token in place of one that was refused; nil if there is none soon.
func (a *auth) fresh(ctx context.Context, refused *accessToken) *accessToken {
	a.refused(refused)
	select {
	case <-refused.settled:
	case <-ctx.Done():
		return nil
	}
	if token := a.token.Load(); token != refused && token.err == nil {
		return token
	}
	return nil
}

// ready says why there is no token, or nil. It waits for the first attempt.
func (a *auth) ready(ctx context.Context) error {
	if a.token.Load() == nil {
		select {
		case <-a.first:
		case <-ctx.Done():
			return errNoToken
		}
	}
	return a.token.Load().err
}

// refused has token replaced because FCM has refused it, unless it has been.
func (a *auth) refused(token *accessToken) {
	if token == nil || token != a.token.Load() || token.refused.Swap(true) {
		return
	}
	select {
	case a.renew <- struct{}{}:
	default:
	}
}

// state says how long the token lives, and why there will be none after it.
func (a *auth) state() push.State {
	var s push.State
	failure := cmp.Or(a.failure.Load(), a.missing.Load())
	if failure != nil {
		s.Problem = *failure
	}
	token := a.token.Load()
	if token == nil || token.err != nil {
		return s
	}
	s.CredentialsExpire = token.expiry
	if failure != nil {
		s.Problem = fmt.Errorf("access token cannot be renewed, the last one is good until %s: %w", token.expiry.UTC().Format(time.RFC3339), *failure)
	}
	return s
}

// run gets a token whenever one is due.
func (a *auth) run(ctx context.Context) {
	a.replace(ctx)
	close(a.first)
	for {
		rest := time.NewTimer(min(max(time.Until(a.renewAt), 0), lookEvery))
		select {
		case <-ctx.Done():
			rest.Stop()
			return
		case <-a.renew:
			rest.Stop()
		case <-rest.C:
		}
		a.renewIfDue(ctx)
	}
}

// renewIfDue gets a new token if the old one is near its end, or was refused; those
// who wait for one then learn that it is there, or that it will take a while.
func (a *auth) renewIfDue(ctx context.Context) {
	now, token := time.Now(), a.token.Load()
	refused := token.refused.Load()
	again := refused && now.Sub(a.renewed) >= lookEvery
	if again {
		a.renewed = now
	}
	if again || !now.Before(a.renewAt) || a.fileChanged() {
		a.replace(ctx)
	}
	if refused {
		token.settle()
	}
}

func (t *accessToken) settle() {
	select {
	case <-t.settled:
	default:
		close(t.settled)
	}
}

func (a *auth) fileChanged() bool {
	if a.file == "" {
		return false
	}
	info, err := os.Stat(a.file)
	if err != nil {
		err = missingKey(err)
		a.missing.Store(&err)
		return false
	}
	a.missing.Store(nil)
	return a.seen == nil || !os.SameFile(info, a.seen) ||
		info.Size() != a.seen.Size() || !info.ModTime().Equal(a.seen.ModTime())
}

// replace gets a new token. When the token endpoint cannot be asked, a token that
// is still good stays; when it refuses the key, that is to be seen at once.
func (a *auth) replace(ctx context.Context) {
	fresh, err := a.get(ctx)
	now := time.Now()
	a.renewAt = now.Add(lookEvery)
	if err == nil {
		a.failure.Store(nil)
		a.renewAt = now.Add(max(fresh.life-min(refreshBefore, fresh.life/4), fetchFloor))
		a.token.Store(&accessToken{header: "Bearer " + fresh.token, expiry: now.Add(fresh.life), settled: make(chan struct{})})
		return
	}
	a.failure.Store(&err)
	old := a.token.Load()
	if old != nil && old.err == nil && now.Before(old.expiry) && !errors.Is(err, errRefused) {
		return
	}
	a.token.Store(&accessToken{err: err, settled: make(chan struct{})})
}

// get reads the key and trades it for a token.
func (a *auth) get(ctx context.Context) (grant, error) {
	if a.file != "" {
		key, info, err := readKey(a.file)
		if err != nil {
			return grant{}, err
		}
		a.key, a.seen = key, info
	}
	return a.fetch(ctx, a.key)
}
