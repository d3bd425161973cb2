package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/internal/broker/devices"
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
				if _, err := directory.Put(working, device(userAt(n))); err != nil {
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

// runDevices grows the directory: registering, the lane's rate with receipts for
// all of its users, and memory. The lane starts at once.
func runDevices(ctx context.Context, p plan, results *log) error {
	sizes := []int{1_000, 100_000}
	if p.full {
		sizes = append(sizes, 1_000_000)
	}
	return withWorld(ctx, func(w *world) error {
		lane, err := w.fcmRow(ctx)
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

// devices registers what is missing and measures the lane.
func (w *world) devices(ctx context.Context, p plan, lane *row, have, size int, results *log) error {
	perSecond, err := w.register(ctx, have, size)
	if err != nil {
		return err
	}
	c := traffic{users: size, recipients: 1}
	if err := w.refill(ctx, c, p.pushes); err != nil {
		return err
	}
	got, err := w.measure(ctx, lane, load{traffic: c, n: p.pushes})
	if err != nil {
		return err
	}
	got.Group, got.Row, got.Size, got.Register = "devices", count(size), size, perSecond
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
