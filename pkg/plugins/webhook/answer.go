package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// disabledWait is how long a receiver is left alone that has disabled the webhook.
const disabledWait = 10 * time.Minute

// answerVersion is the version of the answer's JSON that is read.
const answerVersion = 1

var errDisabled = errors.New("the receiver has disabled this webhook (410): enable it there, or set the handler's enabled to false; it is asked every 10 minutes")

// errUndelivered is why a target comes again that the receiver has named.
var errUndelivered = errors.New("the receiver says that it is not delivered")

// errUnreadable says that nobody knows what the receiver means.
var errUnreadable = errors.New(`the receiver's JSON cannot be used: want {"version":1,"undelivered":[{"user":"usr…","id":"…"}],"gone":[…]}, or no JSON`)

// classify says what an exchange means for the receipt as a whole, by the table of
// Standard Webhooks, "Response": 2xx is success, 410 disables, and anything else is a
// failure that is tried again.
func classify(x line.Exchange, now time.Time) line.Answer {
	if x.Err != nil {
		return line.NoAnswer(x.Err)
	}
	if x.Status >= 200 && x.Status < 300 {
		return line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}
	}
	a := x.Unknown()
	if x.Status == http.StatusGone {
		a.Closed, a.Wait, a.Code, a.Err = true, disabledWait, "disabled", errDisabled
		return a
	}
	a.Innocent = a.Closed // it may be this receipt that the receiver cannot take
	a.Err = fmt.Errorf("the receiver has answered %d%s", x.Status, advice(x.Status))
	return x.Heed(a, now)
}

// advice is what a status says beside its number.
func advice(status int) string {
	switch {
	case status >= 300 && status < 400:
		return ": redirects are not followed; set the key url to the address itself"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return ": check that it has the secret of the key secrets, and that its clock is right"
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return ": check the key url"
	case status == http.StatusRequestEntityTooLarge:
		return `: it takes no body of this size; raise its limit, or set the key body to "thin"`
	}
	return ""
}

// report is what an answer may say of single targets, beside its status.
type report struct {
	Version     int      `json:"version"`
	Undelivered []target `json:"undelivered"`
	Gone        []target `json:"gone"`
}

// target names one device, all that is to be told to a user (without id), or the
// receipt's channel.
type target struct {
	User    user   `json:"user"`
	ID      string `json:"id"`
	App     string `json:"app"`
	Kind    string `json:"kind"`
	Channel string `json:"channel"`
}

// user is a user's id as a receiver may write it: as the receipt has it, or in another of
// its forms.
type user push.Uid

// UnmarshalText implements [encoding.TextUnmarshaler].
func (u *user) UnmarshalText(text []byte) error {
	id, err := push.ParseUid(string(text))
	*u = user(id)
	return err //nolint:wrapcheck // nobody sees it
}

// readReport is the report in an answer; nil when there is none, which says that all is
// delivered. Another version, or JSON that cannot be read, is an error: to take it for
// success might lose a receipt.
func readReport(x line.Exchange) (*report, error) {
	if !reports(x) {
		return nil, nil //nolint:nilnil // there is none, which is most usual
	}
	r := &report{}
	if json.Unmarshal(x.Body, r) != nil || r.Version != answerVersion {
		return nil, errUnreadable
	}
	for _, t := range append(r.Undelivered, r.Gone...) {
		if t.User == 0 && t.Channel == "" {
			return nil, errUnreadable
		}
	}
	return r, nil
}

// reports reports whether an answer is meant to be a report, though it may be cut off. JSON
// of the receiver's own, such as {"ok":true}, is not.
func reports(x line.Exchange) bool {
	kind, _, err := mime.ParseMediaType(x.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return false
	}
	var says map[string]json.RawMessage
	if json.Unmarshal(x.Body, &says) != nil {
		return bytes.Contains(x.Body, []byte(`"undelivered"`)) || bytes.Contains(x.Body, []byte(`"gone"`))
	}
	return says["undelivered"] != nil || says["gone"] != nil
}

// names reports whether t means d, which is zero for the channel. All of a user is d if it has
// no token: which devices there are the receiver knows alone.
func (t target) names(d push.Device, channel string) bool {
	if d.User.IsZero() {
		return t.Channel != "" && t.Channel == channel
	}
	if push.Uid(t.User) != d.User {
		return false
	}
	more := d.More()
	return t.ID == "" || d.Token == "" || t.ID == d.ID && t.App == more.App && t.Kind == more.Kind
}

// fate is what becomes of d by the report.
func (r *report) fate(d push.Device, channel string, wait time.Duration) line.Answer {
	accepted := line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}
	if r == nil {
		return accepted
	}
	for _, t := range r.Gone {
		if t.ID != "" && d.Token != "" && t.names(d, channel) {
			return line.Answer{Fate: line.Gone, Tried: true, Code: "webhook-gone", Err: errGone}
		}
	}
	for _, t := range r.Undelivered {
		if t.names(d, channel) {
			return line.Answer{Fate: line.Again, Tried: true, Wait: wait, Code: "undelivered", Err: errUndelivered}
		}
	}
	return accepted
}

var errGone = errors.New("the receiver says that the device is gone")
