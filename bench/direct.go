package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/SherClockHolmes/webpush-go"

	fakeapns "github.com/pushworker/pushworker/internal/fake/apns"
	pushwebpush "github.com/pushworker/pushworker/pkg/plugins/webpush"
	"github.com/pushworker/pushworker/pkg/push"
)

// direct is a provider other than FCM: a lane, which has neither a rate of its own nor a
// slow start, and the loops that it is held against.
type direct struct {
	lane   string
	loops  []string
	config func(fake *process) (string, error)
	device func(fake *process) (deviceOf, error)
	floor  func(fake *process) (record, error) // what no lane can do without; may be nil
}

// deviceOf is the only device of a user.
type deviceOf func(push.Uid) push.Device

func runAPNs(ctx context.Context, p plan, results *log) error {
	return runDirect(ctx, p, results, direct{apnsLane, []string{apnsLoop, tunedLoop}, apnsConfig, apnsDevice, nil})
}

func runWebpush(ctx context.Context, p plan, results *log) error {
	return runDirect(ctx, p, results, direct{webpushLane, []string{webpushLoop}, webpushConfig, webpushDevice, sealing})
}

// runDirect holds the lane against its loops.
func runDirect(ctx context.Context, p plan, results *log, d direct) error {
	return withWorld(ctx, func(w *world) error {
		rows, err := w.directRows(ctx, d, p.old)
		if err != nil {
			return err
		}
		if err := d.floors(p, rows[0].fake, results); err != nil {
			return err
		}
		return w.atLatencies(ctx, p, d.lane, rows, results)
	})
}

// directRows are the lane, that of another build if there is one, and the loops, sending
// the same.
func (w *world) directRows(ctx context.Context, d direct, old string) ([]*row, error) {
	rows, err := w.directLanes(ctx, d, old)
	if err != nil {
		return nil, err
	}
	for _, role := range d.loops {
		loop, err := w.loopRow(ctx, role, d.lane)
		if err != nil {
			return nil, err
		}
		rows = append(rows, loop)
	}
	return rows, w.sameBodies(ctx, rows)
}

// floors measures the floor, if there is one, as often as there are rounds.
func (d direct) floors(p plan, fake *process, results *log) error {
	if d.floor == nil {
		return nil
	}
	for round := range p.rounds {
		floor, err := d.floor(fake)
		if err != nil {
			return err
		}
		floor.Group, floor.Round = d.lane, round+1
		if err := results.add(floor); err != nil {
			return err
		}
	}
	return nil
}

// directLanes are the lane and that of another build. They share a fake, whose devices are
// registered.
func (w *world) directLanes(ctx context.Context, d direct, old string) ([]*row, error) {
	fake, err := w.fake(ctx, fakeOptions{Kind: d.lane})
	if err != nil {
		return nil, err
	}
	device, err := d.device(fake)
	if err != nil {
		return nil, err
	}
	if _, err := w.registerAs(ctx, 0, mainUsers, device); err != nil {
		return nil, err
	}
	config, err := d.config(fake)
	if err != nil {
		return nil, err
	}
	lane := func(name, lane string) (*row, error) {
		p, err := w.worker(ctx, fmt.Sprintf(`{"name":%q,"config":%s}`, lane, config))
		if err != nil {
			return nil, err
		}
		return w.add(ctx, &row{name: name, durable: lane, workers: []*process{p}, meter: fake, fake: fake})
	}
	if old == "" {
		only, err := lane("lane", d.lane)
		return []*row{only}, err
	}
	this, err := lane("lane", d.lane+besideLane)
	if err != nil {
		return nil, err
	}
	w.build = old
	before, err := lane(otherBuild, d.lane)
	w.build = ""
	return []*row{this, before}, err
}

func apnsConfig(fake *process) (string, error) {
	return fmt.Sprintf(`{"key_file":%q,"key_id":%q,"team_id":%q,"topic":%q,"endpoint":%q}`,
		fake.hello.Credentials, fakeapns.DefaultKeyID, fakeapns.DefaultTeamID, bundle, fake.hello.URL), nil
}

func apnsDevice(*process) (deviceOf, error) {
	return func(u push.Uid) push.Device {
		return push.Device{User: u, ID: "phone", Provider: apnsLane, Platform: "ios", Token: apnsToken(u)}
	}, nil
}

func webpushConfig(fake *process) (string, error) {
	private, _, err := webpush.GenerateVAPIDKeys()
	if err != nil {
		return "", fmt.Errorf("make a VAPID key: %w", err)
	}
	return fmt.Sprintf(`{"vapid":[{"key":%q}],"subject":"mailto:push@example.com","origins":[%q],"allow_private":["127.0.0.0/8"],"url":%q}`,
		private, fake.hello.URL, linkBase+"{topic}"), nil
}

func webpushDevice(fake *process) (deviceOf, error) {
	subscription, err := readSubscription(fake.hello.Credentials)
	return func(u push.Uid) push.Device {
		s := subscription(u)
		return push.Device{
			User: u, ID: "browser", Provider: webpushLane, Platform: "web", Token: s.Endpoint,
			Extra: &push.Extra{Keys: push.Keys{P256DH: s.Keys.P256dh, Auth: s.Keys.Auth}},
		}
	}, err
}

// readSubscription reads the subscription that a fake has written. Those of all users
// have its keys, and endpoints that begin with its endpoint.
func readSubscription(path string) (func(push.Uid) *webpush.Subscription, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the bench has written it
	if err != nil {
		return nil, fmt.Errorf("read the fake's subscription: %w", err)
	}
	var all webpush.Subscription
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("read the fake's subscription: %w", err)
	}
	return func(u push.Uid) *webpush.Subscription {
		return &webpush.Subscription{Endpoint: all.Endpoint + u.String(), Keys: all.Keys}
	}, nil
}

// sealed is how many messages are encrypted to learn what that takes.
const sealed = 5_000

// sealing is what the handler's encryption alone takes, on one core.
func sealing(fake *process) (record, error) {
	device, err := webpushDevice(fake)
	if err != nil {
		return record{}, err
	}
	d := device(userAt(0))
	text := make([]byte, 700) // about what a push has
	var body []byte
	began, used := time.Now(), cpuTime()
	for range sealed {
		if body, err = pushwebpush.Seal(body[:0], text, d); err != nil {
			return record{}, fmt.Errorf("encrypt a message: %w", err)
		}
	}
	took := cpuTime() - used
	return record{
		Row: floorRow, Pushes: sealed, CPU: float64(took.Microseconds()) / sealed, Rate: sealed / time.Since(began).Seconds(),
	}, nil
}

// floorRow is encryption without anything else.
const floorRow = "encryption"
