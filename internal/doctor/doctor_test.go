package doctor_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/doctor"
	"github.com/pushworker/pushworker/pkg/push"
)

func group(topic string, look func(context.Context) []push.Finding) doctor.Group {
	return doctor.Group{Topic: topic, Look: look}
}

// Groups are told in their order, and one that hangs keeps nobody.
func TestExamineTellsInOrderAndNeverHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		found := func(l push.Level) []push.Finding { return []push.Finding{{Level: l, Check: "x"}} }
		groups := []doctor.Group{
			group("slow", func(context.Context) []push.Finding { time.Sleep(time.Second); return found(push.LevelWarn) }),
			group("hangs", func(context.Context) []push.Finding { <-release; return nil }),
			group("obeys", func(ctx context.Context) []push.Finding { <-ctx.Done(); return found(push.LevelOK) }),
			group("quick", func(context.Context) []push.Finding { return found(push.LevelOK) }),
		}
		var told []string
		start := time.Now()
		worst := doctor.Examine(t.Context(), groups, 5*time.Second, func(f doctor.Finding) {
			told = append(told, f.Topic+" "+f.Level.String()+" "+f.Check)
		})
		if took := time.Since(start); took > 7*time.Second {
			t.Errorf("it took %s", took)
		}
		want := []string{"slow warn x", "hangs fail time", "obeys ok x", "quick ok x"}
		if diff := cmp.Diff(want, told); diff != "" || worst != push.LevelFail {
			t.Errorf("worst is %s; told (-want +got)\n%s", worst, diff)
		}
		close(release)
	})
}

// wantFinding reports when there is no finding of this level whose line has text.
func wantFinding(t *testing.T, found []push.Finding, level push.Level, text string) {
	t.Helper()
	var lines []string
	for _, f := range found {
		line := f.Level.String() + " " + f.Check + ": " + f.Text + " → " + f.Remedy
		if f.Level == level && strings.Contains(line, text) {
			if level != push.LevelOK && f.Remedy == "" {
				t.Errorf("no remedy: %s", line)
			}
			return
		}
		lines = append(lines, line)
	}
	t.Errorf("no finding %s with %q among\n%s", level, text, strings.Join(lines, "\n"))
}
