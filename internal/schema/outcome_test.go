package schema_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/invopop/jsonschema"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/internal/schema"
	"github.com/pushworker/pushworker/pkg/push"
)

// outcomeSchemas are the schemas of an outcome event and of a target of one.
func outcomeSchemas(t *testing.T) (event, target object) {
	t.Helper()
	r := reflector(t, "internal/outcome")
	e, tgt := r.Reflect(outcome.Event{}), r.Reflect(outcome.Target{})
	e.Definitions, tgt.Definitions = nil, nil
	e.Required, tgt.Required = always(reflect.TypeFor[outcome.Event]()), always(reflect.TypeFor[outcome.Target]())
	e.Description = "What became of a receipt at one handler: a line of a message."
	describe(t, e, reflect.TypeFor[outcome.Event]())
	describe(t, tgt, reflect.TypeFor[outcome.Target]())
	property(t, tgt, "user").Description = "Whose device it is, as an 11-character text; absent for a channel."
	verdict, reason, result := property(t, e, "verdict"), property(t, e, "reason"), property(t, tgt, "result")
	for v := retry.Ack; v <= retry.Bury; v++ {
		verdict.Enum = append(verdict.Enum, v.String())
	}
	for _, why := range retry.Reasons() {
		reason.Enum = append(reason.Enum, why.String())
	}
	for _, what := range []push.Result{push.ResultAccepted, push.ResultSkipped, push.ResultGone, push.ResultRejected, push.ResultRetried} {
		result.Enum = append(result.Enum, what)
	}
	for _, s := range []*jsonschema.Schema{verdict, reason, result} {
		s.Type, s.Extras = "string", nil
	}
	return embedded(t, e), embedded(t, tgt)
}

// always are the members that are never left out.
func always(of reflect.Type) (names []string) {
	for f := range of.Fields() {
		if name, option, _ := strings.Cut(f.Tag.Get("json"), ","); option == "" {
			names = append(names, name)
		}
	}
	return names
}

// TestOutcomesAreAsDescribed: what a worker records of any outcome is as the document
// says, and something else is not.
func TestOutcomesAreAsDescribed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	origin := consumer.Origin{RootStream: "PUSH", RootSeq: 7, First: at}
	told := []consumer.Outcome{{At: at, Handler: "fcm", Origin: origin, Verdict: retry.Ack}, {
		At: at, Handler: "fcm", Origin: origin, Verdict: retry.Redeliver, Attempts: 1, Delay: time.Second, Error: "busy",
		Users: []push.Uid{1000}, Counts: push.Targets{Accepted: 1, Skipped: 1, Gone: 1, Rejected: 1, Retried: 1},
		Targets: []push.Target{
			{Device: push.Device{User: 1000, ID: "phone", Provider: "fcm", Platform: "web", Token: "t"}, Result: push.ResultRetried, Why: "busy"},
			{Channel: "chnX", Result: push.ResultAccepted, UniqueID: "a-b-1"},
		},
	}}
	for v := retry.Ack; v <= retry.Bury; v++ {
		told = append(told, consumer.Outcome{At: at, Handler: "fcm", Origin: origin, Verdict: v})
	}
	for _, reason := range retry.Reasons() {
		told = append(told, consumer.Outcome{At: at, Handler: "fcm", Origin: origin, Verdict: retry.Bury, Reason: reason})
	}
	lines := recorded(t, told)
	if len(lines) != len(told) {
		t.Fatalf("%d lines of %d outcomes", len(lines), len(told))
	}
	s, document := messageSchema(t, "outcome", "payload"), parse(t, schema.AsyncAPI())
	for _, line := range lines {
		valid(t, "outcome", "payload", []byte(line))
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatal(err)
		}
		for name := range members {
			if lookup(document, "#/components/schemas/Outcome/properties/"+name) == nil {
				t.Errorf("%s is not described", name)
			}
		}
	}
	for _, c := range []struct{ old, broken string }{
		{`"verdict":"ack"`, `"verdict":"eaten"`}, {`"stream_seq":7`, `"stream_seq":"7"`}, {`"handler":"fcm",`, ``},
	} {
		if broken := strings.Replace(lines[0], c.old, c.broken, 1); broken == lines[0] || s.Validate(parse(t, broken)) == nil {
			t.Errorf("%s passes for valid", broken)
		}
	}
}

// recorded is what a recorder publishes of outcomes, by lines.
func recorded(t *testing.T, told []consumer.Outcome) (lines []string) {
	t.Helper()
	r := outcome.New(outcome.Options{Clean: true, Hash: func(string) string { return "3f2a9c41" }, Publish: func(_ string, text []byte) error {
		lines = append(lines, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
		return nil
	}}, prometheus.NewRegistry())
	for _, o := range told {
		r.Observer().Tell(o)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop() // it publishes what it has and ends
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return lines
}
