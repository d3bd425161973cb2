package packaging_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// The unit gives the worker time to stop, and names what the packages install.
func TestSystemdUnit(t *testing.T) {
	t.Parallel()
	unit := read(t, "deploy/pushworker.service")
	limit, err := time.ParseDuration(capture(t, `(?m)^TimeoutStopSec=(\d+)$`, unit) + "s")
	if err != nil {
		t.Fatal(err)
	}
	grace, err := time.ParseDuration(capture(t, `(?m)^#PUSHWORKER_SHUTDOWN_GRACE=(\S+)$`, read(t, ".env.example")))
	if err != nil {
		t.Fatal(err)
	}
	if limit < grace+10*time.Second {
		t.Errorf("TimeoutStopSec=%s, and the grace is %s: after it the worker still hands back and drains", limit, grace)
	}
	for _, line := range []string{"Type=notify", "User=pushworker", "SuccessExitStatus=75", "RestartPreventExitStatus=78", "NoNewPrivileges=yes", "CapabilityBoundingSet="} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the unit lacks %s", line)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^Exec\w+=(\S+) (\S+)`).FindAllStringSubmatch(unit, -1) {
		if m[1] != "/usr/bin/pushworker" || m[2] != "run" && m[2] != "config" {
			t.Errorf("the unit runs %s %s", m[1], m[2])
		}
	}
}
