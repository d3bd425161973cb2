package push_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestDeliveryID(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 4, 12, 0, 0, 0, time.UTC)
	one := push.Delivery{Stream: "PUSH", Seq: 7, Published: at, Attempt: 1}
	if got, want := one.ID(), "PUSH-7-mr6b8g00"; got != want {
		t.Errorf("the id is %q, want %q", got, want)
	}
	again := one
	again.Attempt, again.Expires, again.Header = 9, at, map[string][]string{"a": nil}
	if again.ID() != one.ID() {
		t.Errorf("the ninth attempt has the id %q, the first %q", again.ID(), one.ID())
	}
	for name, other := range map[string]push.Delivery{
		"the next":                       {Stream: "PUSH", Seq: 8, Published: at},
		"of another stream":              {Stream: "PUSH2", Seq: 7, Published: at},
		"of a stream that was made anew": {Stream: "PUSH", Seq: 7, Published: at.Add(time.Millisecond)},
	} {
		if other.ID() == one.ID() {
			t.Errorf("%s has the same id", name)
		}
	}
	if got := (push.Delivery{}).ID(); got != "" {
		t.Errorf("a receipt of no queue has the id %q", got)
	}
}

func TestDeliveryTrace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header        map[string][]string
		parent, state string
	}{
		"none":               {},
		"as W3C has it":      {map[string][]string{"traceparent": {"00-a-b-01"}, "tracestate": {"x=y"}}, "00-a-b-01", "x=y"},
		"as net/http has it": {map[string][]string{"Traceparent": {"00-a-b-01"}, "Tracestate": {"x=y"}}, "00-a-b-01", "x=y"},
		"without a value":    {map[string][]string{"traceparent": nil}, "", ""},
		"others beside it":   {map[string][]string{"X": {"1"}, "TRACEPARENT": {"00-a-b-01"}}, "00-a-b-01", ""},
	} {
		if parent, state := (push.Delivery{Header: tt.header}).Trace(); parent != tt.parent || state != tt.state {
			t.Errorf("%s: %q and %q, want %q and %q", name, parent, state, tt.parent, tt.state)
		}
	}
}

func TestStampedReceiptShowsItsDelivery(t *testing.T) {
	t.Parallel()
	r := &push.Receipt{}
	if diff := cmp.Diff(push.Delivery{}, r.Delivery()); diff != "" {
		t.Errorf("a receipt of no queue (-want +got):\n%s", diff)
	}
	d := push.Delivery{Stream: "PUSH", Seq: 3, Published: time.Now(), Expires: time.Now().Add(time.Hour), Attempt: 2, Header: map[string][]string{"a": {"b"}}}
	r.Stamp(&d)
	for name, got := range map[string]push.Delivery{"stamped": r.Delivery(), "cloned": r.Clone().Delivery()} {
		if diff := cmp.Diff(d, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if line, _ := r.AppendJSON(nil, push.KeyText); strings.Contains(string(line), "PUSH") {
		t.Errorf("its JSON says where it was published: %s", line)
	}
}
