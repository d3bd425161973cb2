package linetest

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// patience bounds every wait; nothing but a failure waits so long.
const patience = 2 * time.Minute

// Desk gives receipts to a handler, which asks a directory in memory.
type Desk struct {
	*testing.T
	Handler   push.Handler
	Directory *Directory
}

// NewDesk starts the handler that made makes, until the test has ended.
func NewDesk(t *testing.T, made func(push.Directory) push.Handler, config string) Desk {
	t.Helper()
	d := Desk{T: t, Directory: &Directory{}}
	d.Handler = made(d.Directory)
	d.MustInit(config)
	return d
}

// MustInit starts the handler, until the test has ended.
func (d Desk) MustInit(config string) {
	d.Helper()
	if err := d.Handler.Init(config); err != nil {
		d.Fatal(err)
	}
	d.Cleanup(d.Handler.Stop)
}

// Message is a message to users, each of them as to says.
func Message(to push.Recipient, users ...push.Uid) *push.Receipt {
	r := &push.Receipt{To: make(map[push.Uid]push.Recipient), Payload: push.Payload{
		What: push.ActMsg, Topic: "grpOne", Timestamp: time.Now(), SeqId: 1, Content: json.RawMessage(`"hi"`),
	}}
	for _, u := range users {
		r.To[u] = to
	}
	return r
}

// Offer gives r to the handler; its outcome arrives.
func (d Desk) Offer(r *push.Receipt) <-chan error {
	d.Helper()
	outcome := make(chan error, 1)
	r.OnDone(func(err error) { outcome <- err })
	select {
	case d.Handler.Push() <- r:
	case <-time.After(patience):
		d.Fatal("the handler takes no receipt")
	}
	return outcome
}

// Await waits for an outcome.
func (d Desk) Await(outcome <-chan error) error {
	d.Helper()
	select {
	case err := <-outcome:
		return err
	case <-time.After(patience):
		d.Fatal("no outcome")
		return nil
	}
}

// Handle has the handler do r, and returns the outcome.
func (d Desk) Handle(r *push.Receipt) error {
	d.Helper()
	return d.Await(d.Offer(r))
}

// MustHandle is Handle for what has to be delivered.
func (d Desk) MustHandle(r *push.Receipt) {
	d.Helper()
	if err := d.Handle(r); err != nil {
		d.Fatal(err)
	}
}

// Directory is a [push.Directory] in memory. Its zero value is empty.
type Directory struct {
	mu            sync.Mutex
	devices       map[push.Uid][]push.Device
	gone          []Verdict
	down, refusal error
}

// Verdict is a call of Gone.
type Verdict struct {
	Device push.Device
	AsOf   time.Time
	Reason string
}

// Put registers a device.
func (d *Directory) Put(device push.Device) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.devices == nil {
		d.devices = make(map[push.Uid][]push.Device)
	}
	d.devices[device.User] = append(d.devices[device.User], device)
}

// Devices implements [push.Directory].
func (d *Directory) Devices(_ context.Context, users []push.Uid, _ string) (map[push.Uid][]push.Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return nil, d.down
	}
	found := make(map[push.Uid][]push.Device)
	for _, user := range users {
		if has := d.devices[user]; has != nil {
			found[user] = slices.Clone(has)
		}
	}
	return found, nil
}

// Gone implements [push.Directory]. It notes the verdict, and removes nothing.
func (d *Directory) Gone(_ context.Context, device push.Device, asOf time.Time, reason string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, Verdict{device, asOf, reason})
	return d.refusal
}

// Verdicts are the calls of Gone.
func (d *Directory) Verdicts() []Verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.gone)
}

// Reasons are the calls of Gone as "id reason", sorted.
func (d *Directory) Reasons() (all []string) {
	for _, v := range d.Verdicts() {
		all = append(all, v.Device.ID+" "+v.Reason)
	}
	slices.Sort(all)
	return all
}

// Fail is what Devices and Gone return from now on; nil when they work.
func (d *Directory) Fail(devices, gone error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down, d.refusal = devices, gone
}
