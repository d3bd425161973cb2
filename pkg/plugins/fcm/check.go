package fcm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/push"
)

// madeUpToken is of no device. FCM's answer that it is none shows that everything
// before it is in order.
const madeUpToken = "pushworker-doctor:no-device-has-this-token"

// skewWarn is how far this machine's clock may be off: Google refuses assertions
// that are minutes off, and TTLs lose as much.
const skewWarn = 5 * time.Second

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
	x := &exchange{}
	asked := time.Now()
	sendCtx, cancel := context.WithTimeout(withExchange(ctx, x), sendTimeout)
	defer cancel()
	id, err := h.sender.dry(sendCtx, &messaging.Message{Token: madeUpToken, Data: map[string]string{"what": push.ActMsg}})
	found = append(found, verdict(classify(x, id, err, time.Now())))
	if skew, ok := skewOf(x.header, asked); ok {
		found = append(found, skewFinding(skew))
	}
	return found
}

// idleFindings warn of keys that are accepted for the sake of existing configurations
// and do nothing where they are set.
func idleFindings(c *Config) []push.Finding {
	idle := slices.Concat(c.Android.idle("android"), c.APNS.idle("apns"), c.Webpush.idle("webpush"))
	if len(idle) == 0 {
		return nil
	}
	return []push.Finding{{
		Level: push.LevelWarn, Check: "sections",
		Text:   "these keys do nothing, because their platform does not know them or cannot use the value: " + strings.Join(idle, ", "),
		Remedy: "remove them; docs/fcm-messages.md lists the keys of each platform",
	}}
}

// tokenRemedy says what to mend when there is no access token: the key only if it was
// refused, or there is none.
func tokenRemedy(err error) string {
	_, noFile := errors.AsType[*fs.PathError](err)
	if noFile || errors.Is(err, credential.ErrRefused) || errors.Is(err, errNoKey) {
		return "replace the service account's key in credentials or credentials_file; a replaced file is read within " + credential.LookEvery.String()
	}
	return "check the network, the proxy and the endpoint, which is token_uri in the key; it is asked again every " + credential.LookEvery.String()
}

// verdict is what the answer to a dry run says of the set-up.
func verdict(a answer) push.Finding {
	f := push.Finding{Level: push.LevelOK, Check: "dry run"}
	switch {
	case a.fate == accepted:
		f.Text = "FCM takes a message in a dry run"
	case a.fate == gone && !a.doubtful:
		f.Text = "FCM takes our credentials and knows that a made-up token is none"
	case strings.HasPrefix(a.code, "quota-"):
		f.Level, f.Text, f.Remedy = push.LevelWarn, a.err.Error(), "wait: the lane does so by itself"
	default:
		f.Level, f.Text = push.LevelFail, a.err.Error()
		f.Remedy = "correct what it says; the lane tries again by itself"
		if a.code == "network" {
			f.Remedy = "check the network, the proxy and endpoint"
		}
	}
	return f
}

// skewOf is how far our clock is ahead of the provider's, which tells whole
// seconds and, behind a cache, an old time.
func skewOf(h http.Header, asked time.Time) (time.Duration, bool) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0, false
	}
	took := time.Since(asked)
	return asked.Add(took / 2).Sub(date.Add(time.Second / 2)), true
}

func skewFinding(skew time.Duration) push.Finding {
	f := push.Finding{Level: push.LevelOK, Check: "clock", Text: "this machine's clock and FCM's agree within " + skewWarn.String()}
	if skew.Abs() > skewWarn {
		way := "ahead of"
		if skew < 0 {
			way = "behind"
		}
		f.Level, f.Text = push.LevelWarn, fmt.Sprintf("this machine's clock is %s %s FCM's", skew.Abs().Round(time.Second), way)
		f.Remedy = "synchronise the clock (chrony, systemd-timesyncd)"
	}
	return f
}
