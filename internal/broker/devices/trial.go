package devices

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/requests"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// testPrefix begins the keys of test tokens, testTTL is how long one can be returned.
	testPrefix, testTTL = "test.", "10m"
	// testTime bounds a test push, so that the answer to the request comes in time.
	testTime = broker.RequestTimeout - time.Second
)

// Trial is a test push to one device, with all that is known of its way.
type Trial struct {
	Device  listed `json:"device"`
	Handler string `json:"handler,omitempty"`
	// Result is a [push.Result], and Why its reason.
	Result string `json:"result"`
	Why    string `json:"why,omitempty"`
	// UniqueID is [push.Target]'s: what the provider calls the push in its own console.
	UniqueID string `json:"unique_id,omitempty"`
	// Token is what the app gets and gives back.
	Token string `json:"token"`
	// Began is when the worker took the request, Asked and Answered when the provider was
	// asked and answered, Returned when the token came back: the push was delivered.
	Began    time.Time `json:"began"`
	Asked    time.Time `json:"asked,omitzero"`
	Answered time.Time `json:"answered,omitzero"`
	Returned time.Time `json:"returned,omitzero"`
}

// ticket is what is stored under a token.
type ticket struct {
	Returned time.Time `json:"returned,omitzero"`
	// User and Device are whom the token was sent to: Device is a hash of the address.
	User   string `json:"user,omitempty"`
	Device string `json:"device,omitempty"`
}

// ErrRefused says that there is nobody to send a test push to.
var ErrRefused = errors.New("the worker refuses the test push")

var (
	errNoTestDevice = &device.InvalidError{Err: errors.New("the user has no such device: `pushworker device ls` lists those there are")}
	errTestToken    = &device.InvalidError{Err: errors.New("token is of no test push of the last ten minutes")}
	errReturned     = &device.InvalidError{Err: errors.New("token of the test push has been returned before")}
	errNoTester     = errors.New("this process runs no handlers: send the request to a worker")
	errNobody       = errors.New("no handler of any worker reaches the device: `pushworker route` says why")
)

// test sends a test push to each of the user's devices that are like the request's.
func (s *service) test(ctx context.Context, like push.Device) (answer, error) {
	if s.devices.testers == nil {
		return answer{}, errNoTester
	}
	began := time.Now().UTC()
	all, err := s.devices.List(ctx, like.User)
	if err != nil {
		return answer{}, err
	}
	ctx, stop := context.WithTimeout(ctx, testTime)
	defer stop()
	var trials []*Trial
	var sending sync.WaitGroup
	fits := device.Matching(like, s.devices.Address)
	for _, d := range all {
		if !fits(d) {
			continue
		}
		d.User = like.User
		t := &Trial{Device: s.devices.listed(d), Began: began}
		trials = append(trials, t)
		sending.Go(func() { s.devices.try(ctx, d, t, false) })
	}
	sending.Wait()
	if trials == nil {
		return answer{}, errNoTestDevice
	}
	return answer{Tests: trials}, nil
}

// try sends one test push; with activate only to a device that has to be activated. Its
// token is stored first, as its way back may be short.
func (d *Directory) try(ctx context.Context, to push.Device, t *Trial, activate bool) {
	t.Token = rand.Text()
	text, err := json.Marshal(ticket{User: to.User.String(), Device: device.AddressKey(to)})
	if err == nil {
		_, err = d.store.WriteFor(ctx, testPrefix+t.Token, text, 0, testTTL)
	}
	if err != nil {
		t.Result, t.Why = string(push.ResultRetried), requests.OneSentence(err)
		return
	}
	done, ok := d.send(ctx, trying{to, t.Token, activate})
	if !ok {
		t.Result, t.Why = string(push.ResultSkipped), errNobody.Error()
		return
	}
	t.Handler, t.Result, t.Why, t.UniqueID = done.Handler, done.Result, done.Why, done.UniqueID
	t.Asked, t.Answered = done.Asked, done.Answered
}

// returned takes the token of a test push, once.
func (s *service) returned(ctx context.Context, like push.Device) (answer, error) {
	store := s.devices.store
	key, known, revision, err := store.ticket(ctx, like.Token)
	switch {
	case err != nil:
		return answer{}, err
	case revision == 0:
		return answer{}, errTestToken
	case !known.Returned.IsZero():
		return answer{}, errReturned
	}
	if err := s.devices.activated(ctx, known); err != nil {
		return answer{}, err // the token is still good for another try
	}
	known.Returned = time.Now().UTC()
	text, err := json.Marshal(known)
	if err == nil {
		_, err = store.WriteFor(ctx, key, text, revision, testTTL)
	}
	if errors.Is(err, device.ErrConflict) {
		err = errReturned
	}
	return answer{}, err
}

// activated notes that a device's app has got a test push.
func (d *Directory) activated(ctx context.Context, t ticket) error {
	user := push.ParseUserId("usr" + t.User) // zero for none
	if d.own == nil || user.IsZero() {
		return nil // one of an older worker's, or the chat server's to note
	}
	return d.own.Activate(ctx, user, t.Device)
}

// ticket reads what is stored under a test token; the revision is 0 if there is nothing.
func (s *store) ticket(ctx context.Context, token string) (key string, t ticket, revision uint64, err error) {
	if token == "" || len(token) > 64 || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return "", t, 0, nil
	}
	key = testPrefix + token
	entries, err := s.Read(ctx, []string{key})
	if err != nil || entries[0].Value == nil {
		return key, t, 0, err
	}
	if err := json.Unmarshal(entries[0].Value, &t); err != nil {
		return key, t, 0, fmt.Errorf("reading a test token: %w", err)
	}
	return key, t, entries[0].Revision, nil
}

// Test asks a worker for a test push to the devices of user, or to the one with the id.
func (d *Directory) Test(ctx context.Context, user push.Uid, id string) ([]*Trial, error) {
	subject := wire.DeviceRequests + "test"
	request, err := json.Marshal(push.Device{User: user, ID: id})
	if err != nil {
		return nil, fmt.Errorf("encoding a request: %w", err)
	}
	var reply *nats.Msg
	err = d.conn.Ask(ctx, subject, func(ctx context.Context) (err error) {
		reply, err = d.conn.NATS().RequestWithContext(ctx, subject, request)
		return err
	})
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, errors.New("no worker takes the request: start one with `pushworker run`")
	}
	if err != nil {
		return nil, fmt.Errorf("asking a worker for a test push: %w", err)
	}
	var a answer
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return nil, fmt.Errorf("reading a worker's answer: %w", err)
	}
	switch {
	case a.Error == nil:
		return a.Tests, nil
	case a.Error.Code == requests.Invalid:
		return nil, fmt.Errorf("%w: %s", ErrRefused, a.Error.Message)
	}
	return nil, fmt.Errorf("the worker cannot send it now: %s", a.Error.Message)
}

// Returned notes in trials which tokens have come back, and returns how many have not.
func (d *Directory) Returned(ctx context.Context, trials []*Trial) (out int, err error) {
	for _, t := range trials {
		if t.Result != string(push.ResultAccepted) || !t.Returned.IsZero() {
			continue
		}
		_, known, _, err := d.store.ticket(ctx, t.Token)
		if err != nil {
			return 0, err
		}
		if t.Returned = known.Returned; t.Returned.IsZero() {
			out++
		}
	}
	return out, nil
}
