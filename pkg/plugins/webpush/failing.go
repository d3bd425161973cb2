package webpush

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// What a device fails by, until it is taken for gone. Both are the reason of that, too.
const (
	codeAway        = "away"        // ntfy: nobody is connected to the topic
	codeUnreachable = "unreachable" // its push server has no name, or no valid certificate
)

const (
	// awayFor is after how long ntfy's own gateway gives a topic up that nobody is connected
	// to.
	awayFor = 12 * time.Hour
	// unreachableFor is after how long a server without a name is no more taken for one that
	// is being mended.
	unreachableFor = 7 * 24 * time.Hour
	// servedWithin is how long ago a push must have been accepted by another server, so that
	// a name that is not found is not our own resolver's fault.
	servedWithin = 10 * time.Minute
	// noteTime bounds the note in the directory.
	noteTime = 5 * time.Second
)

// noSubscriber is ntfy's code of a 507: another server's may have a full disk.
const noSubscriber = 50701

// failure is what lasting failure an exchange may be part of; empty for none.
func failure(x line.Exchange) string {
	var says struct {
		Code int `json:"code"`
	}
	switch {
	case x.Status == http.StatusInsufficientStorage && json.Unmarshal(x.Body, &says) == nil && says.Code == noSubscriber:
		return codeAway
	case x.Err != nil && isUnreachable(x.Err):
		return codeUnreachable
	}
	return ""
}

// isUnreachable reports whether there was no answer because the server's name is not
// found, or because its certificate is not valid. That the resolver does not answer says
// nothing about the name.
func isUnreachable(err error) bool {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &name) && !name.IsTimeout ||
		errors.As(err, &certificate) || errors.As(err, &alert) || errors.As(err, &record) || errors.As(err, &authority)
}

// lasts is how long a device may fail.
func lasts(why string) time.Duration {
	if why == codeAway {
		return awayFor
	}
	return unreachableFor
}

// after says what a, the answer to a request to d that failed by why, means after what is
// known of d: that it is gone, if there was nothing else for so long. Notes is what the
// directory is to know of d from now on, if it changes.
func (s *sender) after(d push.Device, why string, a line.Answer, now time.Time) (_ line.Answer, notes *push.Failing) {
	was := d.More().Failing
	switch {
	case why == "" && (was.Why == "" || !ends(was.Why, a)):
		return a, nil
	case why == "":
		return a, new(push.Failing)
	case why != was.Why:
		return a, &push.Failing{Why: why, Since: now}
	case now.Sub(was.Since) < lasts(why), why == codeUnreachable && !s.line.Served(now.Add(-servedWithin)):
		return a, nil
	}
	err := fmt.Errorf("%w; so it has been since %s, and the device is removed", a.Err, was.Since.UTC().Format(time.RFC3339))
	return line.Answer{Fate: line.Gone, Tried: true, Code: why, Err: err}, nil
}

// ends reports whether an answer of another kind shows that a failure is over. That the
// server is busy or down does not show that somebody is connected there.
func ends(why string, a line.Answer) bool {
	return why == codeUnreachable || a.Scope == line.One
}

// noting is answered, and before that has noted what the answer says of lasting failures
// of d. It is rare that there is something to note.
func (r *request) noting(ctx context.Context, d push.Device, answered func(line.Answer)) func(line.Answer) {
	return func(a line.Answer) {
		if !r.asked || ctx.Err() != nil { // nobody has answered
			answered(a)
			return
		}
		a, notes := r.after(d, r.failed, a, time.Now())
		if notes == nil {
			answered(a)
			return
		}
		go func() { // a callback does not wait for the directory
			ctx, stop := context.WithTimeout(ctx, noteTime)
			defer stop()
			_ = push.Fails(ctx, r.directory, d, *notes) // the next answer says it again
			answered(a)
		}()
	}
}
