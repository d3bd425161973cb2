package fcm

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// madeUpToken is of no device. FCM's answer that it is none shows that everything
// before it is in order.
const madeUpToken = "pushworker-doctor:no-device-has-this-token"

// check fetches an access token and has FCM check a message that it does not
// deliver.
func (h *handler) check(ctx context.Context) []push.Finding {
	found := idleFindings(h.config)
	if err := h.sender.auth.Ready(ctx); err != nil {
		return append(found, push.Finding{Level: push.LevelFail, Check: "access token", Text: err.Error(), Remedy: tokenRemedy(err)})
	}
	token, err := h.sender.auth.Now()
	if err != nil { // it has gone since
		return append(found, push.Finding{Level: push.LevelFail, Check: "access token", Text: err.Error(), Remedy: tokenRemedy(err)})
	}
	found = append(found, push.Finding{
		Level: push.LevelOK, Check: "access token",
		Text: "the credentials give one, good for another " + time.Until(token.Expiry).Round(time.Second).String(),
	})
	return append(found, h.dryRun(ctx)...)
}

// dryRun has FCM check a message to nobody, past the line.
func (h *handler) dryRun(ctx context.Context) []push.Finding {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	asked := time.Now()
	var clock []push.Finding
	answer := make(chan line.Answer, 1)
	r := &request{sender: h.sender, ctx: ctx, message: madeUp(), dry: true, answered: func(a line.Answer) { answer <- a }}
	r.peek = func(x line.Exchange) {
		if found, ok := h.sender.line.Clock(x, asked); ok {
			clock = append(clock, found)
		}
	}
	r.send()
	return append([]push.Finding{h.sender.line.Finding("dry run", <-answer)}, clock...)
}

// idleFindings warn of keys that are accepted for the sake of existing configurations
// and do nothing where they are set.
func idleFindings(c *Config) []push.Finding {
	idle := slices.Concat(c.Android.Idle("android"), c.APNS.Idle("apns"), c.Webpush.Idle("webpush"))
	if len(idle) == 0 {
		return nil
	}
	return []push.Finding{{
		Level: push.LevelWarn, Check: "sections",
		Text:   "these keys do nothing, because their platform does not know them or cannot use the value: " + strings.Join(idle, ", "),
		Remedy: "remove them; docs/fcm-messages.md lists the keys of each platform",
	}}
}

// tokenRemedy says what to correct when there is no access token: the key only if it was
// refused, or there is none.
func tokenRemedy(err error) string {
	_, noFile := errors.AsType[*fs.PathError](err)
	if noFile || errors.Is(err, credential.ErrRefused) || errors.Is(err, errNoKey) {
		return "replace the service account's key in credentials or credentials_file; a replaced file is read within " + credential.LookEvery.String()
	}
	return "check the network, the proxy and the endpoint, which is token_uri in the key; it is asked again every " + credential.LookEvery.String()
}
