package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

// registrars is how many devices are registered at the same time.
const registrars = 64

// register gives the users from to below to one device each that FCM reaches.
func (w *world) register(ctx context.Context, from, to int) (perSecond float64, err error) {
	return w.registerAs(ctx, from, to, func(u push.Uid) push.Device {
		return push.Device{User: u, ID: "phone", Provider: "fcm", Platform: "android", Token: tokenOf(u)}
	})
}

// registerAs registers the devices of the users from to below to, as chat servers do,
// and returns how many a second that were.
func (w *world) registerAs(ctx context.Context, from, to int, device deviceOf) (perSecond float64, err error) {
	directory, err := devices.Open(ctx, w.queue.conn, devices.Options{Log: zerolog.Nop()})
	if err != nil {
		return 0, fmt.Errorf("open the device directory: %w", err)
	}
	began := time.Now()
	group, working := errgroup.WithContext(ctx)
	for first := range registrars {
		group.Go(func() error {
			for n := from + first; n < to; n += registrars {
				if err := put(working, directory, device(userAt(n))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return float64(to-from) / time.Since(began).Seconds(), nil
}

// putTries is how often a device is registered anew whose registration the broker has not
// answered in time, as on a machine that does much else meanwhile.
const putTries = 5

func put(ctx context.Context, directory *devices.Directory, d push.Device) (err error) {
	for range putTries {
		if _, err = directory.Put(ctx, d); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

const (
	// usedUsers are as many users as a lane soon knows all of.
	usedUsers = 1_000
	// fullSize is the directory of -full.
	fullSize = 1_000_000
	// devicesRest is longer than the broker keeps what it has made of a stream that nobody
	// reads: two minutes.
	devicesRest = 150 * time.Second
)

// runDevices grows the directory: registering, the lane's rate with receipts for
// all of its users, beside that with receipts for a few whom it knows, and memory. The lane
// starts at once, and no rate holds it.
func runDevices(ctx context.Context, p plan, results *log) error {
	sizes := []int{100_000}
	if p.full {
		sizes = append(sizes, fullSize)
	}
	return withWorld(ctx, func(w *world) error {
		lane, err := w.fcmRowAs(ctx, "lane", fcmLane, unheld+atOnce)
		if err != nil {
			return err
		}
		have := 0
		for _, size := range sizes {
			if err := w.devices(ctx, p, lane, have, size, results); err != nil {
				return err
			}
			have = size
		}
		return nil
	})
}

// devices registers what is missing and measures the lane: with receipts for few users, whom
// it knows, and for others whom it has not asked for before. The first of those find a
// broker that has long read nothing of the directory; they are a row of their own.
func (w *world) devices(ctx context.Context, p plan, lane *row, have, size int, results *log) error {
	perSecond, err := w.register(ctx, have, size)
	if err != nil {
		return err
	}
	rows, err := w.devicesRows(ctx, lane, size)
	if err != nil {
		return err
	}
	if p.full {
		if err := sleep.For(ctx, devicesRest); err != nil {
			return fmt.Errorf("rest before the first reads: %w", err)
		}
	}
	about := record{Group: "devices", Row: firstRow(size), Round: 1, Size: size, Register: perSecond}
	if err := w.drainOf(ctx, lane, traffic{users: size, recipients: 1}, p.pushes, results, about); err != nil {
		return err
	}
	for turn := range p.rounds * len(rows) { // who is first changes from round to round
		round, i := turn/len(rows), turn%len(rows)
		r := rows[(round+i)%len(rows)]
		about.Row, about.Round = r.name, round+1
		c := traffic{users: size, recipients: 1, skip: (round + 1) * p.pushes}
		if r.few {
			c = traffic{users: usedUsers, recipients: 1}
		}
		if err := w.drainOf(ctx, r.row, c, p.pushes, results, about); err != nil {
			return err
		}
	}
	return nil
}

// devicesRow is a row of a directory of some size: receipts for all of its users, or for few.
type devicesRow struct {
	*row

	name string
	few  bool
}

// devicesRows are the rows that are held against each other: the lane with few users and
// with all of them, and beside the largest directory a lane that mirrors it. That one starts
// when all are registered, because it takes whom it has not been told of for somebody without
// devices.
func (w *world) devicesRows(ctx context.Context, lane *row, size int) ([]devicesRow, error) {
	rows := []devicesRow{{lane, knownRow(size), true}, {lane, count(size), false}}
	if size < fullSize {
		return rows, nil
	}
	w.more = []string{"PUSHWORKER_DEVICES_MIRROR=true"}
	defer func() { w.more = nil }()
	mirror, err := w.fcmRowAs(ctx, "mirror", heldLane, unheld+atOnce)
	return append(rows, devicesRow{mirror, mirrorRow(size), false}), err
}

// knownRow is the row of a directory of that size of which few users get pushes, firstRow
// that of the first reads, and mirrorRow that of the lane which mirrors it.
func knownRow(size int) string  { return fmt.Sprintf("%s, pushes to %s", count(size), count(usedUsers)) }
func firstRow(size int) string  { return count(size) + ", first reads" }
func mirrorRow(size int) string { return count(size) + ", mirrored" }

// drainOf measures the lane with n receipts of c.
func (w *world) drainOf(ctx context.Context, lane *row, c traffic, n int, results *log, about record) error {
	if err := w.refill(ctx, c, n); err != nil {
		return err
	}
	got, err := w.measure(ctx, lane, load{traffic: c, n: n})
	if err != nil {
		return err
	}
	got.Group, got.Row, got.Round, got.Size, got.Register = about.Group, about.Row, about.Round, about.Size, about.Register
	return results.add(got)
}

// count is n with commas.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}
