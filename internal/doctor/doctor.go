// Package doctor looks at everything that a worker needs, and says for each thing
// whether it is well and what to do if not: the network up to the broker, its
// permissions and objects, the embedded broker's directory, credentials, handlers.
//
// It refuses to change anything, and to know how a worker is put together: whoever
// calls it brings the connection and the handlers. What is lost at its border: it
// sees one moment, from this machine, with the user it was given.
package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Group is what is looked at together.
type Group struct {
	// Topic is the first word of its findings: "broker", "handler fcm".
	Topic string
	// Look looks, and ends soon after ctx does.
	Look func(ctx context.Context) []push.Finding
}

// Finding is one line of the examination.
type Finding struct {
	Topic string `json:"topic"`
	push.Finding
}

// grace is how much longer a group may take than its context lives.
const grace = time.Second

// Examine looks at all groups at the same time, each for at most limit, and tells
// what it finds in the order of groups. A group that does not end in time is a
// failure, and is left alone. It returns the worst level.
func Examine(ctx context.Context, groups []Group, limit time.Duration, tell func(Finding)) push.Level {
	looking := make([]chan []push.Finding, len(groups))
	for i, g := range groups {
		looking[i] = make(chan []push.Finding, 1) // so that a late one ends, too
		go func() {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			looking[i] <- g.Look(ctx)
		}()
	}
	end := time.NewTimer(limit + grace)
	defer end.Stop()
	over := false
	worst := push.LevelOK
	for i, g := range groups {
		var found []push.Finding
		if !over {
			select {
			case found = <-looking[i]:
			case <-end.C:
				over = true
			}
		}
		if over {
			found = last(looking[i], limit)
		}
		for _, f := range found {
			worst = max(worst, f.Level)
			tell(Finding{g.Topic, f})
		}
	}
	return worst
}

// last is what a group has found when there is no time left.
func last(looking <-chan []push.Finding, limit time.Duration) []push.Finding {
	select {
	case found := <-looking:
		return found
	default:
		return []push.Finding{fail("time", fmt.Sprintf("no answer within %s", limit), "check the network, and whether a program hangs")}
	}
}

func ok(check, text string) push.Finding {
	return push.Finding{Level: push.LevelOK, Check: check, Text: text}
}

func warn(check, text, remedy string) push.Finding {
	return push.Finding{Level: push.LevelWarn, Check: check, Text: text, Remedy: remedy}
}

func fail(check, text, remedy string) push.Finding {
	return push.Finding{Level: push.LevelFail, Check: check, Text: text, Remedy: remedy}
}

// Unless is g that looks at nothing when there is nothing to look at, which
// another group tells.
func Unless(g Group, nothing func(context.Context) bool) Group {
	return Group{g.Topic, func(ctx context.Context) []push.Finding {
		if nothing(ctx) {
			return nil
		}
		return g.Look(ctx)
	}}
}
