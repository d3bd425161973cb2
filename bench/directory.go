package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/chatserver"
	"github.com/pushworker/pushworker/internal/broker/devices"
	answering "github.com/pushworker/pushworker/pkg/publisher/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// strangers is of how many users nothing is cached at first.
	strangers = 100_000
	// lookups is how many users a second the askers look up together.
	lookups = 10_000
	// askers is how many processes do.
	askers = 2

	chatServer, asker = "chat server", "asker"
)

// askerOptions are those of a process that looks up users.
type askerOptions struct {
	URL       string       `json:"url"`
	Directory config.Place `json:"directory"`
	From, To  int          // users
}

// everybody is the directory of a chat server whose users have one device each.
type everybody struct{}

// Devices implements [push.Directory].
func (everybody) Devices(_ context.Context, users []push.Uid, _ string) (map[push.Uid][]push.Device, error) {
	found := make(map[push.Uid][]push.Device, len(users))
	for _, u := range users {
		found[u] = []push.Device{{User: u, ID: "phone", Provider: "fcm", Platform: "android", Token: tokenOf(u)}}
	}
	return found, nil
}

// Gone implements [push.Directory].
func (everybody) Gone(context.Context, push.Device, time.Time, string) error { return nil }

// serveChatServer answers for the devices of everybody, as a chat server in Go does.
func serveChatServer(ctx context.Context, options []byte) error {
	var url string
	if err := json.Unmarshal(options, &url); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	nc, err := nats.Connect(url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer nc.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- answering.Answer(ctx, nc, everybody{}, answering.AnswerConfig{}) }()
	if err := nc.Flush(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return serve(reply{}, func(question) (reply, error) { return reply{}, <-failed })
}

// serveAsker looks up users one by one, at its share of the rate, in a directory that has
// cached none of them.
func serveAsker(ctx context.Context, options []byte) error {
	var o askerOptions
	if err := json.Unmarshal(options, &o); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	conn, err := broker.Connect(ctx, broker.Options{URL: o.URL, Name: "bench", Log: zerolog.Nop()})
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	d := devices.Options{Log: zerolog.Nop()}
	if o.Directory == config.InNATS {
		d.Source, d.CacheTTL = chatserver.New(conn), time.Minute
	}
	directory, err := devices.Open(ctx, conn, d)
	if err != nil {
		return fmt.Errorf("open the device directory: %w", err)
	}
	m := &meter{}
	var failure sync.Map
	return serve(reply{}, func(q question) (reply, error) {
		if q.Do == "begin" {
			r, err := m.answer(q)
			go ask(ctx, directory, o, q.Start, m, &failure)
			return r, err
		}
		r, err := m.answer(q)
		failure.Range(func(_, first any) bool {
			err = first.(error) //nolint:forcetypeassert // ask stores nothing else
			return false
		})
		return r, err
	})
}

// ask looks up the users of o, each when its time has come, whether or not those before
// are known. A look-up that begins late is late.
func ask(ctx context.Context, directory push.Directory, o askerOptions, start time.Time, m *meter, failure *sync.Map) {
	for n := o.From; n < o.To; n++ {
		due := start.Add(time.Duration(n-o.From) * time.Second / (lookups / askers))
		if early := time.Until(due); early > 0 {
			<-time.After(early)
		}
		go func() {
			u := userAt(n)
			found, err := directory.Devices(ctx, []push.Uid{u}, "fcm")
			if err == nil && len(found[u]) != 1 {
				err = fmt.Errorf("user %s has %d devices", u, len(found[u]))
			}
			if err != nil {
				failure.Store("first", err)
			}
			m.count(due, time.Now())
		}()
	}
}

// runDirectory holds the directory that a chat server answers for against the bucket: cold
// look-ups from two processes, and the lane.
func runDirectory(ctx context.Context, p plan, results *log) error {
	return withWorld(ctx, func(w *world) error {
		if _, err := w.register(ctx, 0, strangers); err != nil {
			return err
		}
		chat, err := launch(ctx, chatServer, w.broker.hello.URL)
		if err != nil {
			return err
		}
		defer chat.stop()
		lanes, err := w.directoryLanes(ctx)
		if err != nil {
			return err
		}
		for turn := range 2 * p.rounds { // who is first changes from round to round
			round, i := turn/2, turn%2
			place := []config.Place{config.InKV, config.InNATS}[(round+i)%2]
			if err := w.directoryRows(ctx, p, place, lanes[place], round+1, results); err != nil {
				return err
			}
		}
		return nil
	})
}

// directoryLanes are the FCM lane with each directory.
func (w *world) directoryLanes(ctx context.Context) (lanes map[config.Place]*row, err error) {
	lanes = make(map[config.Place]*row)
	for place, lane := range map[config.Place]string{config.InKV: fcmLane, config.InNATS: heldLane} {
		w.directory = place
		if lanes[place], err = w.fcmRowAs(ctx, "lane, "+string(place), lane, atOnce); err != nil {
			return nil, err
		}
	}
	return lanes, nil
}

// directoryRows measures the look-ups and the lane of one directory.
func (w *world) directoryRows(ctx context.Context, p plan, place config.Place, lane *row, round int, results *log) error {
	got, err := w.lookUp(ctx, place)
	if err != nil {
		return err
	}
	got.Round = round
	if err := results.add(got); err != nil {
		return err
	}
	c := traffic{users: strangers, recipients: 1}
	if err := w.refill(ctx, c, p.pushes); err != nil {
		return err
	}
	if got, err = w.measure(ctx, lane, load{traffic: c, n: p.pushes}); err != nil {
		return err
	}
	got.Group, got.Round = "directory", round
	return results.add(got)
}

// lookUp looks up everybody once, from several processes that know nobody.
func (w *world) lookUp(ctx context.Context, place config.Place) (out record, err error) {
	out = record{Group: "directory", Row: "look-ups, " + string(place), Paced: lookups, Size: strangers, Workers: askers}
	share := strangers / askers
	all := make([]*process, askers)
	for i := range all {
		o := askerOptions{URL: w.broker.hello.URL, Directory: place, From: i * share, To: (i + 1) * share}
		if all[i], err = launch(ctx, asker, o); err != nil {
			return out, err
		}
		defer all[i].stop()
	}
	start := time.Now().Add(wakeTime)
	for _, p := range all {
		if _, err := p.ask(question{Do: "begin", Want: share, Start: start}); err != nil {
			return out, err
		}
	}
	for _, p := range all {
		got, err := p.ask(question{Do: "await"})
		if err != nil {
			return out, err
		}
		out.Rate += float64(share) / got.Elapsed.Seconds()
		out.P50, out.P99, out.P999 = max(out.P50, ms(got.P50)), max(out.P99, ms(got.P99)), max(out.P999, ms(got.P999))
	}
	return out, nil
}

func writeDirectory(b *strings.Builder, rows []record) {
	var looked, sent []record
	for _, r := range rows {
		if r.Size > 0 {
			looked = append(looked, r)
		} else {
			sent = append(sent, r)
		}
	}
	fmt.Fprintf(b, "Two processes that know nobody look up %s users, one by one, at %s a second together: in the bucket, and by asking a chat server "+
		"in a process of its own (`PUSHWORKER_DIRECTORY=nats`). The latencies are those of the slower process.\n\n", count(strangers), count(lookups))
	write(b, looked, append([]column{column0("look-ups/s", func(r record) float64 { return r.Rate })}, latencyColumns()...))
	b.WriteString("\nThe lane with each directory, one push to each user:\n\n")
	write(b, sent, append([]column{rateColumn()}, cpuColumns()...))
	kv := median(values(named(sent, "lane, kv"), func(r record) float64 { return r.Rate }))
	nats := median(values(named(sent, "lane, nats"), func(r record) float64 { return r.Rate }))
	fmt.Fprintf(b, "\nThe lane that asks the chat server makes %.2f times the pushes a second of the one with the bucket (medians).\n", nats/kv)
}
