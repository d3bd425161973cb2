package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// fewUsers is from how many users on it says something that none has a device.
const fewUsers = 3

// table is a source that a database answers for.
type table interface {
	device.Source
	// Check returns what is wrong with the statements.
	Check(ctx context.Context) error
	// Advice is what to do about a look-up that takes long; empty if nobody knows.
	Advice(ctx context.Context, users []push.Uid) (string, error)
	Close()
}

// slow is from when on a look-up takes long.
const slow = 20 * time.Millisecond

// foreignDevices looks whether the chat server or its database answers, and whether it
// knows the users of the last receipts.
func foreignDevices(ctx context.Context, source device.Source, conn *broker.Conn, t topology.Topology) []push.Finding {
	if db, ok := source.(table); ok {
		defer db.Close()
		if err := db.Check(ctx); err != nil {
			return []push.Finding{fail("devices", err.Error(), "correct what it says; until then receipts wait")}
		}
	}
	refused, why := 0, error(nil)
	foreign := device.NewForeign(source, device.ForeignOptions{OnRefused: func(n int, err error) { refused, why = n, err }})
	users := lastUsers(ctx, conn, t)
	asked := users
	if len(asked) == 0 {
		asked = []push.Uid{1} // somebody, to see an answer
	}
	began := time.Now()
	devices, err := foreign.Devices(ctx, asked, "")
	took := time.Since(began)
	if err != nil {
		return []push.Finding{fail("devices", err.Error(), "correct what it says; until then receipts wait")}
	}
	found := []push.Finding{known(len(users), len(devices), took)}
	if refused > 0 {
		found = append(found, warn("devices", fmt.Sprintf("%d devices in the answer are refused, for example: %s", refused, why),
			"correct them where the chat server keeps them; nothing is sent to them"))
	}
	return append(found, advice(ctx, source, asked, took)...)
}

// advice is what a database says of a look-up that took long.
func advice(ctx context.Context, source device.Source, users []push.Uid, took time.Duration) []push.Finding {
	db, ok := source.(table)
	if !ok || took < slow {
		return nil
	}
	text, err := db.Advice(ctx, users)
	if err != nil || text == "" {
		return nil
	}
	return []push.Finding{warn("devices", fmt.Sprintf("a look-up of %d users took %s", len(users), took.Round(time.Millisecond)), text)}
}

// known says how many users of the last receipts have devices.
func known(users, withDevices int, took time.Duration) push.Finding {
	text := fmt.Sprintf("an answer took %s; %d of the %d users of the last receipts have devices", took.Round(time.Millisecond/10), withDevices, users)
	switch {
	case users == 0:
		return ok("devices", fmt.Sprintf("an answer took %s", took.Round(time.Millisecond/10)))
	case withDevices == 0 && users >= fewUsers:
		return warn("devices", text+", so no push reaches anybody",
			"compare the user ids of receipts with those that the answers have; with a database, check PUSHWORKER_DIRECTORY_UID_KEY and that it is the right one")
	}
	return ok("devices", text)
}

// lastUsers are users of the last receipts, at most as many as a request may have. What
// cannot be read, permissions and objects tell.
func lastUsers(ctx context.Context, conn *broker.Conn, t topology.Topology) []push.Uid {
	users := make(map[push.Uid]struct{})
	for _, stream := range t.ReceiptStreams() {
		addLastUsers(ctx, history.New(conn, stream), users)
	}
	all := slices.Sorted(maps.Keys(users))
	return all[:min(len(all), sampled)]
}

func addLastUsers(ctx context.Context, reader *history.History, users map[push.Uid]struct{}) {
	_, last, err := reader.Bounds(ctx, history.Stretch{})
	if err != nil || last == 0 {
		return
	}
	for m, err := range reader.Read(ctx, history.Stretch{From: max(sampled, last) - sampled + 1}) {
		if err != nil || len(users) >= sampled {
			break
		}
		if r, _, err := push.Decode(m.Data, push.DefaultLimits()); err == nil {
			for u := range r.To {
				users[u] = struct{}{}
			}
		}
	}
}
