// Package linetest is the table of answers that every provider must face: each status,
// with bodies that somebody else wrote, and no answer at all.
//
// It knows one rule. What stands in no table of the provider's says nothing about the
// message and the address: it comes again, for everybody, and neither refuses a message
// nor removes a device. It refuses to know what does stand in the table; that is for
// the provider's own tests.
package linetest

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// Provider is what faces the table.
type Provider struct {
	// Ask makes one request over a wire and says what its answer claims, as
	// [line.Call]'s Do does.
	Ask func(ctx context.Context, over *line.Wire) line.Answer
	// AskBy is Ask for a provider that uses net/http itself.
	AskBy func(ctx context.Context, by http.RoundTripper) line.Answer
	// Knows reports whether an answer of that status stands in the provider's table
	// whatever its body is; nil when no status suffices. Of these only the form of the
	// answer is looked at.
	Knows func(status int) bool
	// Scope is whom an unknown answer concerns: All, or OfGroup where each address
	// names its server.
	Scope line.Scope
}

// secret is in every body; no error may quote it.
const secret = "do-not-quote"

// bodies are of no provider.
func bodies() map[string]string {
	return map[string]string{
		"no body":        "",
		"HTML":           "<!DOCTYPE html><title>registration token " + secret + "</title>",
		"cut JSON":       `{"error":{"status":"INVALID_ARGUMENT","message":"` + secret + `","details":[{"errorCode":"UNREGISTERED"`,
		"other JSON":     `{"status":"INVALID_ARGUMENT","error":"registration token ` + secret + `","reason":"Unregistered"}`,
		"nested JSON":    `{"error":{"code":404,"message":"` + secret + `","status":"no such route","details":["UNREGISTERED",{"reason":"Unregistered"}]}}`,
		"null":           "null",
		"list":           `[{"error":{"status":"UNAUTHENTICATED"}}]`,
		"no text":        "\xff\xfe\x00" + secret,
		"without an end": strings.Repeat(secret, 10_000),
	}
}

// Run has p face the table, over both transports.
func Run(t *testing.T, p Provider) {
	t.Helper()
	if p.AskBy != nil {
		told := &script{}
		p.Ask = func(ctx context.Context, _ *line.Wire) line.Answer { return p.AskBy(ctx, told) }
		p.run(t, "net/http", told, nil)
		return
	}
	for name, start := range map[string]func(*testing.T, *script) *line.Wire{"net/http": overNetHTTP, "h2post": overH2Post} {
		told := &script{}
		over := start(t, told)
		p.run(t, name, told, over)
		over.Close()
	}
}

func (p Provider) run(t *testing.T, by string, told *script, over *line.Wire) {
	t.Helper()
	for status := 100; status < 600; status++ {
		for name, body := range bodies() {
			told.set(answer{status: status, body: body})
			a := p.Ask(t.Context(), over)
			for _, fault := range p.faults(status, a) {
				t.Errorf("%s, status %d with %s: %s: %+v", by, status, name, fault, a)
			}
		}
	}
	p.lose(t, by, told, over)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	told.set(answer{fault: silence})
	if a := p.Ask(cancelled, over); a.Fate != line.Again || a.Err == nil {
		t.Errorf("%s, cancelled: %+v, want again", by, a)
	}
}

// lose has requests get no answer. Only one that was not processed, if the transport can
// tell, is no attempt.
func (p Provider) lose(t *testing.T, by string, told *script, over *line.Wire) {
	t.Helper()
	for fault := unprocessed; fault <= cutBody; fault++ {
		told.set(answer{fault: fault})
		a := p.Ask(t.Context(), over)
		if a.Fate != line.Again || a.Scope == line.One || a.Err == nil || a.Tried == (fault == unprocessed && p.AskBy == nil) || a.Code == "" {
			t.Errorf("%s, fault %d: %+v, want again, for everybody", by, fault, a)
		}
	}
}

// faults are what is wrong with the answer to a status.
func (p Provider) faults(status int, a line.Answer) (faults []string) {
	wrong := func(is bool, fault string) {
		if is {
			faults = append(faults, fault)
		}
	}
	wrong(!a.Tried, "it is no attempt")
	wrong(a.Code == "", "it has no code")
	wrong(a.Fate == line.Accepted != (a.Err == nil), "its error does not suit its fate")
	wrong(a.Err != nil && strings.Contains(a.Err.Error(), secret), "it quotes the body")
	if p.Knows != nil && p.Knows(status) {
		return faults
	}
	wrong(a.Fate != line.Again, "it does not come again")
	wrong(a.Scope != p.Scope, "it does not concern everybody")
	quota := status == http.StatusTooManyRequests
	wrong(a.Closed != quota, "who may ask again is not told by the status")
	wrong(quota && a.Wait <= 0, "it does not wait")
	return faults
}
