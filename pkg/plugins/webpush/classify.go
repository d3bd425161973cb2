package webpush

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

const (
	// slowWait is the delay after an answer that we send too much and that names none.
	slowWait = 5 * time.Minute
	// leastWait is the least delay after such an answer.
	leastWait = 10 * time.Second
	// awayWait is after how long a phone is tried again that is not connected to its ntfy
	// server.
	awayWait = 15 * time.Minute

	codeMismatch = "vapid-mismatch"
)

// What the matter is if too many subscriptions are gone for a reason that may be ours.
var (
	errMismatch = fmt.Errorf("the push server says for %d subscriptions in a row that they were made with another VAPID key, and accepts none: "+
		`check the key vapid, which needs each key that browsers have subscribed with; no more devices are removed until one is accepted`, line.EnoughDoubts)
	errDamaged = fmt.Errorf("%d subscriptions in a row cannot be used and none is accepted: check what the directory has as their token and keys; no more devices are removed until one is accepted", line.EnoughDoubts)
)

// unusable is the answer for a device that nothing can be sent to.
func unusable(why error) line.Answer {
	a := line.Answer{Fate: line.Gone, Scope: line.All, Doubt: errDamaged, Tried: true, Code: "invalid-subscription", Err: why}
	if errors.Is(why, errDead) {
		a.Scope, a.Doubt = line.One, nil
	}
	return a
}

// classify says what an exchange with a push server means, by RFC 8030 and by what its
// vendor adds. What is in no table says nothing about the subscription.
func classify(x line.Exchange, of vendor, now time.Time) line.Answer {
	if x.Err != nil {
		return unanswered(x)
	}
	if x.Status >= 200 && x.Status < 300 {
		return line.Answer{Fate: line.Accepted, Tried: true, Code: "accepted"}
	}
	r := readRefusal(x, of)
	a := r.verdict()
	a.Tried = true
	a.Code = cmp.Or(a.Code, line.HTTPCode(x.Status))
	a.Err = r.describe(a.Code)
	if a.Fate == line.Again {
		if wait := x.RetryAfter(now); wait > 0 {
			a.Wait = max(wait, leastWait)
		}
	}
	return a
}

// unanswered is what no answer means: it concerns the origin.
func unanswered(x line.Exchange) line.Answer {
	a := x.NoAnswer()
	if a.Scope == line.All {
		a.Scope = line.OfGroup
	}
	if x.Unprocessed && a.Fate == line.Again {
		a.Wait = line.GroupWait // it cannot be reached
	}
	return a
}

// refusal is what a push server has said of a message that it does not take.
type refusal struct {
	line.Exchange

	of     vendor
	errno  int    // Mozilla's
	reason string // Apple's
	says   string // Microsoft's own words
}

func readRefusal(x line.Exchange, of vendor) *refusal {
	r := &refusal{Exchange: x, of: of}
	switch of {
	case mozilla:
		var text struct {
			Errno int `json:"errno"`
		}
		_ = json.Unmarshal(x.Body, &text) // what has another form is left out
		r.errno = text.Errno
	case apple:
		var text struct {
			Reason string `json:"reason"`
		}
		_ = json.Unmarshal(x.Body, &text) // as above
		r.reason = text.Reason
	case microsoft:
		if text := x.Field("X-WNS-Error-Description"); plainText.MatchString(text) {
			r.says = text
		}
	case other, google:
	}
	return r
}

// plainText is what an error may quote of a description: words without an address.
var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 ,.'()-]{0,119}$`)

// verdict is what a refusal means. Apple's reason says more than its status.
func (r *refusal) verdict() line.Answer {
	if r.isMismatch() {
		return line.Answer{Fate: line.Gone, Scope: line.OfGroup, Doubt: errMismatch, Code: codeMismatch}
	}
	switch r.reason {
	case "BadAuthorizationHeader", "BadJwtToken", "BadVapidPublicKey":
		return vapidRefused()
	case "IdleTimeout", "Shutdown":
		return line.Answer{Fate: line.Again, Scope: line.OfGroup}
	}
	switch r.Status {
	case http.StatusNotFound, http.StatusGone:
		if r.isGone() {
			return line.Answer{Fate: line.Gone, Code: "unregistered"}
		}
	case http.StatusBadRequest:
		return line.Answer{Fate: line.Rejected, Code: "invalid-message"}
	case http.StatusRequestEntityTooLarge:
		return line.Answer{Fate: line.Rejected, Code: "too-large"}
	case http.StatusUnauthorized, http.StatusForbidden:
		return vapidRefused()
	case http.StatusTooManyRequests:
		return r.slow()
	case http.StatusNotAcceptable:
		if r.of == microsoft { // so it says that it is throttled
			return r.slow()
		}
	case http.StatusInsufficientStorage: // ntfy: nobody is subscribed to the topic
		return line.Answer{Fate: line.Again, Wait: awayWait, Code: codeAway}
	}
	a := r.Unknown()
	a.Scope, a.Innocent = line.OfGroup, !r.IsFrontEnd()
	return a
}

// isGone reports whether a 404 or 410 is the push server's own word about the subscription
// (RFC 8030, section 7.3), and not that of something in front of it, as far as its vendor
// tells them apart.
func (r *refusal) isGone() bool {
	switch r.of {
	case mozilla: // no such subscription, or one that has ended
		return slices.Contains([]int{102, 103, 105, 106}, r.errno)
	case apple:
		return r.Status == http.StatusGone || r.reason == "BadPath"
	case other, google, microsoft:
	}
	return true
}

// vapidRefused is the verdict that the push server does not believe who we are.
func vapidRefused() line.Answer {
	return line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: line.GroupWait, Closed: true, Innocent: true, Code: "vapid-refused"}
}

// slow is the verdict that we send too much: to a device of Apple's, else to the origin.
func (r *refusal) slow() line.Answer {
	if r.of == apple {
		return line.Answer{Fate: line.Again, Wait: slowWait, Code: line.CodeQuota + "-device"}
	}
	return line.Answer{Fate: line.Again, Scope: line.OfGroup, Wait: slowWait, Closed: true, Innocent: true, Code: line.CodeQuota + "-origin"}
}

// isMismatch reports whether the subscription was made with another key.
func (r *refusal) isMismatch() bool {
	switch r.of {
	case google, other:
		return r.Status == http.StatusForbidden && bytes.Contains(r.Body, []byte("do not correspond to the credentials used to create the subscription"))
	case mozilla:
		return r.Status == http.StatusUnauthorized && r.errno == 109 && bytes.Contains(r.Body, []byte("public key mismatch"))
	case apple:
		return r.reason == "VapidPkHashMismatch"
	case microsoft:
	}
	return false
}

// describe words a refusal, and says what to do about it.
func (r *refusal) describe(code string) error {
	text := fmt.Sprintf("the push server has answered %d", r.Status)
	switch {
	case r.errno != 0:
		text += fmt.Sprintf(", errno %d", r.errno)
	case slices.Contains(appleReasons(), r.reason):
		text += " " + r.reason
	case r.says != "":
		text += fmt.Sprintf(" %q", r.says)
	}
	if hint := r.hint(code); hint != "" {
		text += ": " + hint
	}
	return errors.New(text)
}

// appleReasons are those that an error may quote.
func appleReasons() []string {
	return []string{
		"BadAuthorizationHeader", "BadJwtToken", "BadPath", "BadTtl", "BadUrgency", "BadVapidPublicKey", "BadWebPushRequest",
		"BadWebPushTopic", "ExpiredToken", "IdleTimeout", "PayloadTooLarge", "Shutdown", "TooManyRequests", "Unregistered", "VapidPkHashMismatch",
	}
}

// hint is what the operator does about a refusal; empty when there is nothing.
func (r *refusal) hint(code string) string {
	switch code {
	case codeMismatch:
		return "the subscription was made with another VAPID key"
	case "vapid-refused":
		return "check the keys vapid and subject of the handler, and this machine's clock"
	case "too-large":
		return "lower max_body"
	case "invalid-message":
		return "pushworker route shows the message"
	case codeAway:
		return "nobody is connected to the ntfy topic; it is tried again"
	}
	if r.Status >= 300 && r.Status < 400 {
		return "redirects are not followed"
	}
	return ""
}
