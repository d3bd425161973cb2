package link

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// undoWithin bounds taking away one thing.
const undoWithin = 5 * time.Second

// namespaces has the broker and the provider on addresses of the loopback
// interface, and a route to each of the two over a veth pair of its own:
//
//	namespace of worker i                     where we are
//	10.B.i.2 ── bI'───────────────────── bI ── 10.B.i.1 ─► 10.B.0.1 broker
//	10.B.i.6 ── pI'───────────────────── pI ── 10.B.i.5 ─► 10.B.0.2 provider
type namespaces struct {
	block int // B
	count int
}

// Namespaces returns links of network namespaces. The error says which right is
// missing.
func Namespaces(ctx context.Context) (Net, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("make network namespaces: %w: run as root", os.ErrPermission)
	}
	var last error
	for block := 64; block < 128; block++ { // another run may have some
		n := &namespaces{block: block}
		if last = ip(ctx, "addr", "add", n.at(0, 1)+"/32", "dev", "lo"); last != nil {
			continue
		}
		if last = ip(ctx, "addr", "add", n.at(0, 2)+"/32", "dev", "lo"); last == nil {
			return n, nil
		}
		undo(ctx, "addr", "del", n.at(0, 1)+"/32", "dev", "lo")
	}
	return nil, fmt.Errorf("take addresses for a broker that can be cut off: %w", last)
}

func (n *namespaces) at(i, host int) string { return fmt.Sprintf("10.%d.%d.%d", n.block, i, host) }

func (n *namespaces) Broker() string   { return n.at(0, 1) }
func (n *namespaces) Provider() string { return n.at(0, 2) }
func (n *namespaces) How() string      { return "network namespaces with veth pairs" }

func (n *namespaces) Close() {
	for _, host := range []int{1, 2} {
		undo(context.Background(), "addr", "del", n.at(0, host)+"/32", "dev", "lo")
	}
}

// Link implements [Net].
func (n *namespaces) Link(ctx context.Context, brokers []string) (Link, error) {
	n.count++
	l := &namespace{net: n, i: n.count, brokers: brokers, name: fmt.Sprintf("pwchaos-%d-%d", n.block, n.count)}
	l.veth[0], l.veth[1] = fmt.Sprintf("pwb%d-%d", n.block, l.i), fmt.Sprintf("pwp%d-%d", n.block, l.i)
	if err := l.make(ctx); err != nil {
		l.Close() //nolint:contextcheck // it is undone even when ctx has ended
		return nil, fmt.Errorf("make the network namespace of a worker: %w", err)
	}
	return l, nil
}

// namespace is the end of one worker.
type namespace struct {
	net     *namespaces
	i       int
	brokers []string
	name    string
	veth    [2]string // our ends: to the broker, to the provider
	undo    [][]string
}

func (l *namespace) make(ctx context.Context) error {
	steps := [][]string{
		{"netns", "add", l.name},
		{"-n", l.name, "link", "set", "lo", "up"},
	}
	for k, end := range l.veth {
		far := end + "x"
		ours, theirs, goal := l.net.at(l.i, 4*k+1), l.net.at(l.i, 4*k+2), l.net.at(0, k+1)
		steps = append(
			steps,
			[]string{"link", "add", end, "type", "veth", "peer", "name", far, "netns", l.name},
			[]string{"addr", "add", ours + "/30", "dev", end},
			[]string{"link", "set", end, "up"},
			[]string{"-n", l.name, "addr", "add", theirs + "/30", "dev", far},
			[]string{"-n", l.name, "link", "set", far, "up"},
			[]string{"-n", l.name, "route", "add", goal + "/32", "via", ours},
		)
	}
	return all(ctx, steps)
}

func (l *namespace) Wrap(args []string) []string {
	return append([]string{"ip", "netns", "exec", l.name}, args...)
}
func (l *namespace) Brokers() []string { return l.brokers }

// Admin is reached over the provider's link, which is never cut.
func (l *namespace) Admin() string { return l.net.at(l.i, 6) + ":9464" }

// Cut implements [Link]: a link that is down carries nothing, a route into a black
// hole nothing in one direction.
func (l *namespace) Cut(ctx context.Context, d Direction) error {
	broker, worker, gateway := l.net.at(0, 1)+"/32", l.net.at(l.i, 2)+"/32", l.net.at(l.i, 1)
	switch d {
	case ToBroker:
		l.undo = [][]string{{"-n", l.name, "route", "replace", broker, "via", gateway}}
		return ip(ctx, "-n", l.name, "route", "replace", "blackhole", broker)
	case ToWorker:
		l.undo = [][]string{{"route", "del", "blackhole", worker}}
		return ip(ctx, "route", "add", "blackhole", worker)
	case Both:
	}
	l.undo = [][]string{{"link", "set", l.veth[0], "up"}}
	return ip(ctx, "link", "set", l.veth[0], "down")
}

func (l *namespace) Heal(ctx context.Context) error {
	steps := l.undo
	l.undo = nil
	return all(ctx, steps)
}

func (l *namespace) Close() {
	ctx := context.Background()
	for _, step := range l.undo {
		undo(ctx, step...)
	}
	for _, end := range l.veth {
		undo(ctx, "link", "del", end)
	}
	undo(ctx, "netns", "del", l.name)
}

func all(ctx context.Context, steps [][]string) error {
	for _, step := range steps {
		if err := ip(ctx, step...); err != nil {
			return err
		}
	}
	return nil
}

// ip runs the program of that name.
func ip(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput() //nolint:gosec // names and numbers of ours
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// undo takes something away that may not be there any more.
func undo(ctx context.Context, args ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoWithin)
	defer cancel()
	_ = ip(ctx, args...)
}
