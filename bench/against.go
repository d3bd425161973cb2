package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mainUsers are the users of the FCM rows, each with one device.
const mainUsers = 10_000

// rampTime is the handler's own: a lane that is younger is slower on purpose.
const rampTime = time.Minute

// runNull holds the lane without a provider against the null loop.
func runNull(ctx context.Context, p plan, results *log) error {
	return withWorld(ctx, func(w *world) error {
		lane, err := w.nullRow(ctx)
		if err != nil {
			return err
		}
		loop, err := w.loopRow(ctx, "null loop", "")
		if err != nil {
			return err
		}
		rows := []*row{lane, loop}
		if err := w.rounds(ctx, p, rows, results, record{Group: "null"}, p.receipts); err != nil {
			return err
		}
		return w.profiles(ctx, p, rows, load{traffic: traffic{users: mainUsers, recipients: 1}, n: p.receipts})
	})
}

// rounds runs all rows, in each round first as drains and then paced, in another
// order each time.
func (w *world) rounds(ctx context.Context, p plan, rows []*row, results *log, about record, n int) error {
	c := traffic{users: mainUsers, recipients: 1}
	for round := range p.rounds {
		about.Round = round + 1
		order := slices.Concat(rows[round%len(rows):], rows[:round%len(rows)])
		if err := w.refill(ctx, c, n); err != nil {
			return err
		}
		for _, r := range order {
			if err := w.note(ctx, r, load{traffic: c, n: n}, results, about); err != nil {
				return err
			}
		}
		if err := w.pacedRound(ctx, order, load{traffic: c, n: p.paced, rate: p.rate}, results, about); err != nil {
			return err
		}
	}
	return nil
}

// pacedRound runs each row with receipts of its own.
func (w *world) pacedRound(ctx context.Context, rows []*row, l load, results *log, about record) error {
	for _, r := range rows {
		if err := errors.Join(w.queue.purge(ctx), w.note(ctx, r, l, results, about)); err != nil {
			return err
		}
	}
	return w.queue.purge(ctx)
}

// note measures a row and takes the result in, with what about says of it.
func (w *world) note(ctx context.Context, r *row, l load, results *log, about record) error {
	got, err := w.measure(ctx, r, l)
	if err != nil {
		return fmt.Errorf("row %s: %w", r.name, err)
	}
	got.Group, got.Round, got.Latency, got.Size = about.Group, about.Round, about.Latency, about.Size
	if about.Row != "" {
		got.Row = about.Row
	}
	return results.add(got)
}

// otherBuild is the row of the lane of another build.
const otherBuild = "lane, other build"

// unheld lifts the rate that the handler keeps to by itself: nothing holds the loops.
const unheld = `,"per_second":1000000`

// runFCM holds the FCM lane against both loops, and beside itself in its default
// configuration and over Go's net/http.
func runFCM(ctx context.Context, p plan, results *log) error {
	return withWorld(ctx, func(w *world) error {
		rows, err := w.contenders(ctx, p)
		if err != nil {
			return err
		}
		return w.atLatencies(ctx, p, "fcm", rows, results)
	})
}

// atLatencies runs all rounds with a provider that answers at once, and again with one
// that takes its time.
func (w *world) atLatencies(ctx context.Context, p plan, group string, rows []*row, results *log) error {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		if err := w.setLatency(latency); err != nil {
			return err
		}
		if err := w.rounds(ctx, p, rows, results, record{Group: group, Latency: ms(latency)}, p.pushes); err != nil {
			return err
		}
	}
	return w.profiles(ctx, p, rows, load{traffic: traffic{users: mainUsers, recipients: 1}, n: p.pushes})
}

// contenders are the lane and its loops, warm and sending the same.
func (w *world) contenders(ctx context.Context, p plan) ([]*row, error) {
	if _, err := w.register(ctx, 0, mainUsers); err != nil {
		return nil, err
	}
	lanes, ramp := w.fcmLanes, rampTime
	if p.old != "" {
		lanes, ramp = func(ctx context.Context) ([]*row, error) { return w.twoBuilds(ctx, p) }, 0
	}
	ends := time.Now().Add(ramp) // of the lanes' slow start
	rows, err := lanes(ctx)
	if err != nil {
		return nil, err
	}
	for _, role := range []string{sdkLoop, rawLoop} {
		loop, err := w.loopRow(ctx, role, fcmLane)
		if err != nil {
			return nil, err
		}
		rows = append(rows, loop)
	}
	if err := w.sameBodies(ctx, rows); err != nil {
		return nil, err
	}
	return rows, warm(ctx, time.Until(ends))
}

// fcmLanes are the FCM lane as it is held against the loops, in its default
// configuration, and over Go's net/http.
func (w *world) fcmLanes(ctx context.Context) (rows []*row, err error) {
	for _, lane := range []struct{ name, durable, more string }{
		{"lane", fcmLane, unheld},
		{"lane, default rate", heldLane, ""},
		{"lane, net/http", goLane, unheld + `,"transport":"net/http"`},
	} {
		r, err := w.fcmRowAs(ctx, lane.name, lane.durable, lane.more)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// twoBuilds are the FCM lane of this build and of another one.
func (w *world) twoBuilds(ctx context.Context, p plan) (rows []*row, err error) {
	more := unheld + atOnce
	if p.held {
		more = atOnce
	}
	lane, err := w.fcmRowAs(ctx, "lane", fcmLane, more)
	if err != nil {
		return nil, err
	}
	w.build = p.old
	before, err := w.fcmRowAs(ctx, otherBuild, heldLane, more)
	w.build = ""
	return []*row{lane, before}, err
}

// warm waits until the handler's slow start is over. It only looks at the clock.
func warm(ctx context.Context, rest time.Duration) error {
	fmt.Fprintf(os.Stderr, "waiting %s for the handler's slow start to end\n", max(0, rest).Round(time.Second))
	select {
	case <-time.After(rest):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// setLatency sets that of all fakes.
func (w *world) setLatency(d time.Duration) error {
	for _, fake := range w.fakes {
		if _, err := fake.ask(question{Do: "latency", Latency: d}); err != nil {
			return err
		}
	}
	return nil
}

// sameBodies has every row send one receipt, and compares what the providers got.
func (w *world) sameBodies(ctx context.Context, rows []*row) error {
	c := traffic{users: mainUsers, recipients: 1}
	if err := w.refill(ctx, c, 1); err != nil {
		return err
	}
	var first []byte
	for _, r := range rows {
		if _, err := w.measure(ctx, r, load{traffic: c, n: 1}); err != nil {
			return err
		}
		s, err := r.fake.ask(question{Do: "stats"})
		if err != nil {
			return err
		}
		body, err := canonical(s.Last)
		if err != nil {
			return err
		}
		if first == nil {
			first = body
			fmt.Fprintf(os.Stderr, "a push is a body of %d bytes\n", len(body))
		}
		if !bytes.Equal(first, body) {
			return fmt.Errorf("%s sends another message than %s: bring its loop up to date:\n%s\n%s", r.name, rows[0].name, body, first)
		}
	}
	return nil
}

// canonical is a body with sorted members and without the part of its TTL that
// depends on when it was sent.
func canonical(body []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, fmt.Errorf("read a body: %w", err)
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("sort a body: %w", err)
	}
	return regexp.MustCompile(`"ttl":"35\d\ds"`).ReplaceAll(sorted, []byte(`"ttl":"3500s"`)), nil
}

// profiles writes CPU profiles of each row's drain, if they are asked for: of the
// process and of the broker.
func (w *world) profiles(ctx context.Context, p plan, rows []*row, l load) error {
	if p.profile == "" {
		return nil
	}
	if err := errors.Join(w.setLatency(0), w.refill(ctx, l.traffic, l.n)); err != nil {
		return err
	}
	for i, r := range rows {
		path := filepath.Join(p.profile, strconv.Itoa(i)+"-"+strings.ReplaceAll(r.name, " ", "-"))
		_, begun := r.workers[0].ask(question{Do: "profile", Path: path + ".prof"})
		_, alsoBegun := w.broker.ask(question{Do: "profile", Path: path + "-broker.prof"})
		_, err := w.measure(ctx, r, l)
		_, ended := r.workers[0].ask(question{Do: "profiled"})
		_, alsoEnded := w.broker.ask(question{Do: "profiled"})
		if err := errors.Join(begun, alsoBegun, err, ended, alsoEnded); err != nil {
			return err
		}
	}
	return nil
}
