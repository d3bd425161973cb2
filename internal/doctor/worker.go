package doctor

import (
	"strings"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/pkg/push"
)

// Worker tells how the worker of this machine is that has said status, or, with err,
// that none answers. unready is why it is not ready.
func Worker(status admin.Status, err, unready error) []push.Finding {
	if err != nil {
		return []push.Finding{warn("admin", "no worker answers at PUSHWORKER_ADMIN_ADDR: "+err.Error(),
			"start `pushworker run`; workers on other machines are not checked from here")}
	}
	found := []push.Finding{ok("admin", "a worker answers at PUSHWORKER_ADMIN_ADDR")}
	for _, problem := range status.Problems {
		found = append(found, warn("admin", problem, "see the lines on the broker"))
	}
	for _, lane := range status.Lanes {
		found = append(found, laneOf(lane)...)
	}
	if doubt := status.Doubt(); doubt != "" {
		found = append(found, warn("devices", doubt, "see the lines on the broker and docs/operations.md"))
	}
	if unready != nil {
		found = append(found, fail("ready", strings.ReplaceAll(unready.Error(), "\n", "; "), "see the checks marked [-]"))
	}
	return found
}

// laneOf tells what is wrong with a lane.
func laneOf(lane admin.Lane) (found []push.Finding) {
	check := "lane " + lane.Handler
	if news := lane.News(); news != "" {
		found = append(found, warn(check, news, "correct it before pushes stop; the handler looks again by itself"))
	}
	if lane.LaneState == nil {
		return found
	}
	if lane.BreakerOpen {
		found = append(found, fail(check, "breaker open: "+lane.BreakerError, "correct what it says; the lane probes every second and resumes by itself"))
	}
	if lane.Waiting != "" {
		found = append(found, fail(check, "waiting: "+lane.Waiting, "see the lines on the broker; the lane probes every second and resumes by itself"))
	}
	return found
}
