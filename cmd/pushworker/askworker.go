package main

import (
	"context"
	"strings"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/admin"
)

// workerClient asks the worker of c on this machine.
func workerClient(c *config.Config) admin.Client {
	return admin.NewClient(c.AdminURL(), c.Admin.Token.Reveal(), admin.SocketPath(c.DataDir, c.Admin.Addr))
}

// askWorker asks the worker at the admin address, if there is one.
func askWorker(ctx context.Context, c *config.Config) (admin.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, workerTimeout)
	defer cancel()
	return workerClient(c).Status(ctx)
}

// lanesOf are the lanes that a worker runs.
func lanesOf(s admin.Status) (names []string) {
	for _, lane := range s.Lanes {
		if lane.LaneStats == nil || !lane.Abandoned {
			names = append(names, lane.Handler)
		}
	}
	return names
}

// isNews reports whether the handler of l has a problem that its breaker does not tell.
func isNews(l admin.Lane) bool {
	return l.Problem != "" && (l.LaneState == nil || !strings.Contains(l.BreakerError, l.Problem))
}

// troubles are what an operator should know of a lane beside its figures.
func troubles(l admin.Lane) (all []string) {
	if l.LaneStats != nil && l.Abandoned {
		holds := ""
		if l.Pending > 0 || l.InFlight > 0 || l.RetriesWaiting > 0 {
			holds = ", and it holds what it has not settled"
		}
		all = append(all, "nobody runs it"+holds+": start a worker with it, or `pushworker lane retire "+l.Handler+"`")
	}
	if l.LaneState != nil && l.BreakerError != "" {
		all = append(all, "breaker open: "+l.BreakerError)
	}
	if l.LaneState != nil && l.Waiting != "" {
		all = append(all, "waiting: "+l.Waiting)
	}
	if isNews(l) {
		all = append(all, l.Problem)
	}
	return all
}

// askReadiness asks the worker at the admin address whether it is ready.
func askReadiness(ctx context.Context, c *config.Config) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return workerClient(c).Read(ctx, "/readyz")
}
