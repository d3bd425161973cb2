package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/publisher"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		code int
	}{
		"none":          {nil, 0},
		"anything":      {errors.New("x"), 1},
		"usage":         {usageError(errors.New("x")), 2},
		"data":          {dataError(errors.New("x")), 65},
		"unavailable":   {unavailableError(errors.New("x")), 69},
		"no ack":        {publisher.ErrUnavailable, 69},
		"no stream":     {publisher.ErrNoStream, 69},
		"stream full":   {publisher.ErrFull, 69},
		"locked":        {&embedded.LockedError{Dir: "d", PID: 1}, 73},
		"unfinished":    {consumer.ErrUnfinished, 75},
		"configuration": {&config.InvalidError{}, 78},
		"handlers":      {worker.ErrHandlers, 78},
	}
	for name, test := range tests {
		if got := exitCode(test.err); got != test.code {
			t.Errorf("%s: exit code %d, want %d", name, got, test.code)
		}
		if test.err == nil {
			continue
		}
		if got := exitCode(fmt.Errorf("wrapped: %w", errors.Join(errors.New("beside"), test.err))); got != test.code {
			t.Errorf("%s, wrapped: exit code %d, want %d", name, got, test.code)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"plain, \"é\" 世界 \\":       "plain, \"é\" 世界 \\",
		"two\nlines":               "two\nlines",
		"\x1b[31m\a\b\r\t\x00":     `\x1b[31m\a\b\r\t\x00`,
		"\u009b1J\u202e\u2066":     `\u009b1J\u202e\u2066`,
		"bad \xff\xc3 UTF-8":       `bad \xff\xc3 UTF-8`,
		"tag \U000e0041":           `tag \U000e0041`,
		"👨\u200d👩\u200d👧 क\u094dष": "👨\u200d👩\u200d👧 क\u094dष",
	}
	for in, want := range tests {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestPrintableJSONMeansTheSame(t *testing.T) {
	t.Parallel()
	const in = `{"a":"é` + "\x7f\u009b\u202e\U000e0041" + `\u001b"}`
	out := printableJSON(in)
	if want := `{"a":"é\u007f\u009b\u202e\udb40\udc41\u001b"}`; out != want {
		t.Errorf("got %s, want %s", out, want)
	}
	var before, after any
	if err := errors.Join(json.Unmarshal([]byte(in), &before), json.Unmarshal([]byte(out), &after)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("meaning (-before +after):\n%s", diff)
	}
}

func TestQuantities(t *testing.T) {
	t.Parallel()
	durations := map[time.Duration]string{
		0: "0s", 1999 * time.Millisecond: "1s", 119 * time.Second: "119s", 2 * time.Minute: "2m",
		119 * time.Minute: "119m", 2 * time.Hour: "2h", 47 * time.Hour: "47h", 48 * time.Hour: "2d",
	}
	for d, want := range durations {
		if got := durationText(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
	sizes := map[uint64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 8 << 30: "8.0 GiB", 5 << 50: "5120.0 TiB"}
	for n, want := range sizes {
		if got := byteText(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.Local)
	tests := map[string]time.Time{
		"2026-01-31":                day,
		"2026-01-31 12:30:00":       day.Add(12*time.Hour + 30*time.Minute),
		"2026-01-31T12:30:00Z":      time.Date(2026, 1, 31, 12, 30, 0, 0, time.UTC),
		"2026-01-31T12:30:00+02:00": time.Date(2026, 1, 31, 10, 30, 0, 0, time.UTC),
	}
	for in, want := range tests {
		var m moment
		if err := m.Set(in); err != nil || !m.Equal(want) {
			t.Errorf("%s is %s (%v), want %s", in, m.Time, err, want)
		}
	}
	var m moment
	before := time.Now().Add(-2 * time.Hour)
	if err := m.Set("2h"); err != nil || m.Before(before) || m.After(time.Now().Add(-2*time.Hour)) {
		t.Errorf("2h is %s (%v)", m.Time, err)
	}
}

func TestJSONPath(t *testing.T) {
	t.Parallel()
	const doc = `{"payload":{"topic":"grpA","seq":12345678901234567890,"on":true,"none":null,"list":[1,{"x":"y"}],"":1,"evil":"a\nb","empty":""}}`
	tests := map[string]struct{ want, fault string }{
		"payload.topic":    {want: "grpA"},
		"$.payload.topic":  {want: "grpA"},
		"payload.seq":      {want: "12345678901234567890"},
		"payload.on":       {want: "true"},
		"payload.list.0":   {want: "1"},
		"payload.list.1.x": {want: "y"},
		"payload.list.2":   {fault: "there is no payload.list.2"},
		"payload.list.-1":  {fault: "there is no payload.list.-1"},
		"payload.topic.x":  {fault: "there is no payload.topic.x"},
		"Payload.topic":    {fault: "there is no Payload"},
		"payload":          {fault: "payload is neither text nor a number"},
		"payload.list":     {fault: "payload.list is neither text nor a number"},
		"payload.none":     {fault: "payload.none is neither text nor a number"},
		"payload.empty":    {fault: "payload.empty is empty or has characters that do not print"},
		"payload.evil":     {fault: "payload.evil is empty or has characters that do not print"},
	}
	for in, test := range tests {
		var p jsonPath
		if err := p.Set(in); err != nil {
			t.Fatal(err)
		}
		got, err := p.find([]byte(doc))
		if got != test.want || (err != nil) != (test.fault != "") || err != nil && err.Error() != test.fault {
			t.Errorf("%s is %q (%v), want %q (%s)", in, got, err, test.want, test.fault)
		}
	}
	for _, in := range []string{"", "$", "$.", ".", "a..b", "a."} {
		if err := new(jsonPath).Set(in); err == nil {
			t.Errorf("path %q was taken", in)
		}
	}
}
