package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/pkg/push"
)

// longWait is how long subscriptions may wait before that is told.
const longWait = time.Minute

// subscriptions tells of users in channels whose devices nobody subscribes, and of
// subscriptions that wait long. What cannot be asked, permissions and objects tell.
func subscriptions(ctx context.Context, conn *broker.Conn) (found []push.Finding) {
	members, err := channels.Members(ctx, conn)
	if err != nil || members == 0 {
		return nil
	}
	leases, err := channels.Leases(ctx, conn)
	switch {
	case err != nil:
		return nil
	case len(leases) == 0:
		return []push.Finding{warn("channels", fmt.Sprintf("users in channels: %d, and no worker subscribes their devices: a channel's receipts reach those alone that are subscribed already", members),
			"start a worker with a handler fcm that has no \"dry_run\"")}
	}
	for _, handler := range slices.Sorted(maps.Keys(leases)) {
		l := leases[handler]
		if l.Waiting == 0 || l.Problem == "" && time.Since(l.Since) < longWait {
			found = append(found, ok("channels", fmt.Sprintf("%s subscribes the devices of users in channels, on %s", handler, l.Host)))
			continue
		}
		text := fmt.Sprintf("%s: subscriptions are waiting, of users: %d, since %s", handler, l.Waiting, l.Since.UTC().Format("2006-01-02 15:04Z"))
		if l.Problem != "" {
			text += ": " + l.Problem
		}
		found = append(found, warn("channels", text, "see the log of the worker on "+l.Host))
	}
	return found
}
