package webpush

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestFailure: what may be part of a failure that lasts, and what looks like it.
func TestFailure(t *testing.T) {
	t.Parallel()
	dialling := func(err error) error {
		return fmt.Errorf("connect to push.example.com:443: %w", &net.OpError{Op: "dial", Err: err})
	}
	for name, test := range map[string]struct {
		x    line.Exchange
		want string
	}{
		"ntfy's 507":                {line.Exchange{Status: 507, Body: []byte(`{"code":50701,"http":507}`)}, codeAway},
		"507 of a full disk":        {line.Exchange{Status: 507, Body: []byte("no space left")}, ""},
		"another code of ntfy's":    {line.Exchange{Status: 507, Body: []byte(`{"code":50702}`)}, ""},
		"ntfy's code with a 429":    {line.Exchange{Status: 429, Body: []byte(`{"code":50701}`)}, ""},
		"accepted":                  {line.Exchange{Status: 200}, ""},
		"no such name":              {line.Exchange{Err: dialling(&net.DNSError{IsNotFound: true})}, codeUnreachable},
		"a resolver that fails":     {line.Exchange{Err: dialling(&net.DNSError{IsTemporary: true})}, codeUnreachable},
		"a resolver that is silent": {line.Exchange{Err: dialling(&net.DNSError{IsTimeout: true})}, ""},
		"refused":                   {line.Exchange{Err: dialling(errors.New("connection refused"))}, ""},
		"certificate":               {line.Exchange{Err: fmt.Errorf("connect: %w", &tls.CertificateVerificationError{Err: x509.HostnameError{}})}, codeUnreachable},
		"unknown authority":         {line.Exchange{Err: fmt.Errorf("connect: %w", x509.UnknownAuthorityError{})}, codeUnreachable},
		"handshake refused":         {line.Exchange{Err: fmt.Errorf("connect: %w", tls.AlertError(40))}, codeUnreachable},
		"no TLS":                    {line.Exchange{Err: tls.RecordHeaderError{}}, codeUnreachable},
		"cut":                       {line.Exchange{Err: io.ErrUnexpectedEOF}, ""},
	} {
		if got := failure(test.x); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestAfter: a device is gone after so long of nothing else, and nothing else ends that.
func TestAfter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	since := func(why string, ago time.Duration) push.Failing { return push.Failing{Why: why, Since: now.Add(-ago)} }
	ok, away := line.Answer{Fate: line.Accepted, Tried: true}, line.Answer{Fate: line.Again, Tried: true, Err: errors.New("507")}
	busy := line.Answer{Fate: line.Again, Scope: line.OfGroup, Tried: true, Err: errors.New("429")}
	none := line.Answer{Fate: line.Again, Scope: line.OfGroup, Err: errors.New("no such host")}
	fresh, over := new(push.Failing), new(push.Failing)
	*fresh = since(codeAway, 0)
	begun := since(codeUnreachable, 0)
	accepting := func(_ context.Context, answered func(line.Answer)) { answered(ok) }
	for name, test := range map[string]struct {
		was    push.Failing
		why    string
		answer line.Answer
		gone   bool
		notes  *push.Failing
	}{
		"well":                                {push.Failing{}, "", ok, false, nil},
		"busy":                                {push.Failing{}, "", busy, false, nil},
		"away for the first time":             {push.Failing{}, codeAway, away, false, fresh},
		"away for less than 12 h":             {since(codeAway, 12*time.Hour-time.Second), codeAway, away, false, nil},
		"away for 12 h":                       {since(codeAway, 12*time.Hour), codeAway, away, true, nil},
		"back":                                {since(codeAway, 20*time.Hour), "", ok, false, over},
		"away, and its server is busy":        {since(codeAway, 20*time.Hour), "", busy, false, nil},
		"away, and now without a name":        {since(codeAway, 20*time.Hour), codeUnreachable, none, false, &begun},
		"without a name for 12 h":             {since(codeUnreachable, 12*time.Hour), codeUnreachable, none, false, nil},
		"without a name for less than 7 days": {since(codeUnreachable, 7*24*time.Hour-time.Second), codeUnreachable, none, false, nil},
		"without a name for 7 days":           {since(codeUnreachable, 7*24*time.Hour), codeUnreachable, none, true, nil},
		"without a name, and busy":            {since(codeUnreachable, 20*24*time.Hour), "", busy, false, over},
		"without a name, and away":            {since(codeUnreachable, 20*24*time.Hour), codeAway, away, false, fresh},
	} {
		for _, served := range []bool{true, false} {
			s := newSender(t.Context(), configured(t))
			if served {
				s.line.Send(t.Context(), line.Call{Key: "other", Do: accepting})
			}
			got, notes := s.after(push.Device{Extra: &push.Extra{Failing: test.was}}, test.why, test.answer, now)
			want := test.gone && (served || test.why == codeAway) // else the fault may be ours
			if (got.Fate == line.Gone) != want || want && got.Code != test.why {
				t.Errorf("%s, others served %t: %+v, want gone %t", name, served, got, want)
			}
			if diff := cmp.Diff(test.notes, notes); diff != "" {
				t.Errorf("%s: noted (-want +got):\n%s", name, diff)
			}
		}
	}
}
