package fanout

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

const alice, bob = push.Uid(1), push.Uid(2)

// one is a device of alice's with the id phone.
func one(app, kind string) push.Device {
	d := push.Device{User: alice, ID: "phone", Token: "token of " + app + kind}
	if app+kind != "" {
		d.Extra = &push.Extra{App: app, Kind: kind}
	}
	return d
}

// phones are alice's devices that share an id.
var phones = []push.Device{one("", ""), one("", "voip"), one("chat", ""), one("chat", "voip"), one("work", "")}

// stored is what a broker keeps of the retry that outcome asks for, as it comes back.
func stored(t *testing.T, r *push.Receipt, outcome error) *push.Receipt {
	t.Helper()
	part, ok := errors.AsType[*push.Undelivered](outcome)
	if !ok {
		t.Fatalf("outcome is %v", outcome)
	}
	whole, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	data, err := push.Narrow(whole, part.To, part.Channel)
	if err != nil {
		t.Fatal(err)
	}
	back, bad, err := push.Decode(data, push.Limits{})
	if err != nil || len(bad) > 0 {
		t.Fatalf("%s: %v, %v", data, bad, err)
	}
	return back
}

// whom are the tokens of the devices that r is sent to.
func whom(f *Fanout[letter], r *push.Receipt, devices ...push.Device) (tokens []string) {
	tally := newTally(r)
	targets := f.targets(letters{}, r, map[push.Uid][]push.Device{alice: devices}, tally)
	for i := range targets {
		tokens = append(tokens, targets[i].device.Token)
	}
	return tokens
}

func tokensOf(devices []push.Device) (tokens []string) {
	for _, d := range devices {
		tokens = append(tokens, d.Token)
	}
	return tokens
}

// TestDevicesThatShareAnID: of devices with one id and several apps and kinds, a retry
// is for those that have not got it, whichever they are, and for none that has.
func TestDevicesThatShareAnID(t *testing.T) {
	t.Parallel()
	f := &Fanout[letter]{way: Way[letter]{Mine: func(push.Device) bool { return true }}}
	for which := 1; which < 1<<len(phones)-1; which++ {
		r := &push.Receipt{To: map[push.Uid]push.Recipient{alice: {Unread: 1, Devices: []string{"web"}}}, Payload: push.Payload{What: push.ActMsg}}
		tally := newTally(r)
		var remain []push.Device
		for i, d := range phones {
			if which>>i&1 == 0 {
				tally.note(d, line.Answer{Fate: line.Accepted})
				continue
			}
			remain = append(remain, d)
			tally.note(d, line.Answer{Fate: line.Again, Tried: true, Err: errors.New("busy")})
		}
		got := whom(f, stored(t, r, tally.outcome()), phones...)
		slices.Sort(got)
		want := tokensOf(remain)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("of %b the retry is for (-want +got):\n%s", which, diff)
		}
	}
}

// TestLetterForOneOfSeveralWithAnID: the letter for a device that was refused is for it
// alone, and the retry for those that remain.
func TestLetterForOneOfSeveralWithAnID(t *testing.T) {
	t.Parallel()
	f := &Fanout[letter]{way: Way[letter]{Mine: func(push.Device) bool { return true }}}
	r := &push.Receipt{To: map[push.Uid]push.Recipient{alice: {}}, Payload: push.Payload{What: push.ActMsg}}
	tally := newTally(r)
	tally.note(phones[0], line.Answer{Fate: line.Rejected, Err: errors.New("odd")})
	tally.note(phones[1], line.Answer{Fate: line.Again, Tried: true, Err: errors.New("busy")})
	for _, d := range phones[2:] {
		tally.note(d, line.Answer{Fate: line.Accepted})
	}
	outcome := tally.outcome()
	if diff := cmp.Diff(tokensOf(phones[1:2]), whom(f, stored(t, r, outcome), phones...)); diff != "" {
		t.Errorf("the retry is for (-want +got):\n%s", diff)
	}
	part, _ := errors.AsType[*push.Undelivered](outcome)
	if diff := cmp.Diff(tokensOf(phones[:1]), whom(f, stored(t, r, part.Rejected), phones...)); diff != "" {
		t.Errorf("the letter is for (-want +got):\n%s", diff)
	}
}

// TestLedgerOfPlainDevices: the ledger of devices without app and kind is the one that
// every version writes and reads.
func TestLedgerOfPlainDevices(t *testing.T) {
	t.Parallel()
	r := &push.Receipt{To: map[push.Uid]push.Recipient{alice: {Unread: 7, Devices: []string{"web"}}, bob: {}}, Payload: push.Payload{What: push.ActMsg}}
	tally := newTally(r)
	for _, id := range []string{"phone", "tablet"} {
		tally.note(push.Device{User: alice, ID: id}, line.Answer{Fate: line.Accepted})
	}
	tally.note(push.Device{User: alice, ID: "watch"}, line.Answer{Fate: line.Again, Tried: true, Err: errors.New("busy")})
	part, _ := errors.AsType[*push.Undelivered](tally.outcome())
	want := map[push.Uid]push.Recipient{alice: {Unread: 7, Devices: []string{"web", "phone", "tablet"}}}
	if diff := cmp.Diff(want, part.To); diff != "" {
		t.Errorf("the ledger (-want +got):\n%s", diff)
	}
}

// TestLedgerOfAnOlderVersion: a retry as it was stored before devices had apps and kinds
// means all devices of an id, and a chat server that lists an id does, too.
func TestLedgerOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	const retry = `{"to":{"1":{"delivered":0,"devices":["phone","old token"],"unread":3}},"payload":{"what":"msg","topic":"grpX","seq":4,"content":"hello"}}`
	r, bad, err := push.Decode([]byte(retry), push.Limits{})
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	f := &Fanout[letter]{way: Way[letter]{Mine: func(push.Device) bool { return true }}}
	watch, moved := push.Device{User: alice, ID: "watch", Token: "new"}, push.Device{User: alice, ID: "tab", Token: "old token"}
	longer := push.Device{User: alice, ID: "phone 2", Token: "2"}
	if diff := cmp.Diff([]string{"new", "2"}, whom(f, r, append(slices.Clone(phones), watch, moved, longer)...)); diff != "" {
		t.Errorf("it is for (-want +got):\n%s", diff)
	}
}
