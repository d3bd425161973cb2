package fake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// A Script tells the server when to fail. The first rule that fits a request
// decides; a request that none fits is answered normally.
type Script struct {
	// Seed fixes what rules with a probability and ranges of retry_after choose:
	// the same seed, rule, target and request number choose alike, in any order of
	// arrival.
	Seed  uint64 `json:"seed,omitempty"`
	Rules []Rule `json:"rules"`
}

// A Rule says which requests it is for, all conditions together, and what comes
// of them.
type Rule struct {
	// Name is for the log; default rule-N.
	Name string `json:"name,omitempty"`

	// Endpoint is one of the kind's; default the one that takes pushes.
	Endpoint string `json:"endpoint,omitempty"`
	// Token is the target, such as a device's token. * stands for any text, ? for any
	// one character. At another endpoint it is who calls.
	Token string `json:"token,omitempty"`
	// Project is on whose behalf, with * and ? as in Token.
	Project string `json:"project,omitempty"`
	// Nth is the number of the request for this target since the script began:
	// 1, "1-2", "3-".
	Nth Span `json:"nth,omitzero"`
	// ConnNth is the number of the request on its connection.
	ConnNth Span `json:"conn_nth,omitzero"`
	// From and Until are the window of time since the script began; Until 0 means
	// for ever.
	From  Duration `json:"from,omitzero"`
	Until Duration `json:"until,omitzero"`
	// Probability is the share of the requests that it takes of those that fit;
	// 0 means all.
	Probability float64 `json:"probability,omitempty"`
	// Times is how often it applies at most; 0 means no limit.
	Times int64 `json:"times,omitempty"`

	// Answer is the name of one of the kind's answers; default the one that takes the
	// push.
	Answer string `json:"answer,omitempty"`
	// Status answers with any status code instead, with Body and ContentType
	// (default text/plain).
	Status      int    `json:"status,omitempty"`
	Body        string `json:"body,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	// RetryAfter replaces the answer's own Retry-After.
	RetryAfter RetryAfter `json:"retry_after,omitzero"`
	// Latency passes before any of this, in place of the server's.
	Latency Duration `json:"latency,omitzero"`
	// Deliver counts the message as accepted although the sender learns nothing of
	// it: the answer is lost on its way back.
	Deliver bool `json:"deliver,omitempty"`
}

// readScript reads a script in JSON.
func readScript(text []byte, manual string) (Script, error) {
	var s Script
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Script{}, fmt.Errorf("read the script: %w; %s describes the fields", err, manual)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Script{}, errors.New("read the script: there is more after its end; write one JSON object")
	}
	return s, nil
}

// Duration is a time.Duration that JSON writes as "1m30s" or as seconds.
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(b []byte) error {
	if number, err := strconv.ParseFloat(string(b), 64); err == nil {
		*d = Duration(number * float64(time.Second))
		return nil
	}
	v, err := time.ParseDuration(unquoted(b))
	if err != nil {
		return fmt.Errorf("%s is not a duration: write \"1m30s\" or seconds", b)
	}
	*d = Duration(v)
	return nil
}

// unquoted is a JSON value without its quotes.
func unquoted(b []byte) string { return strings.Trim(string(b), `"`) }

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// Span is a range of numbers that begins at 1; the zero value fits every one.
type Span struct {
	// First and Last are inclusive; Last 0 means no end.
	First, Last int64
}

// UnmarshalJSON implements json.Unmarshaler: 3, "3", "1-2", "3-".
func (s *Span) UnmarshalJSON(b []byte) error {
	first, last, ranged := strings.Cut(unquoted(b), "-")
	var err error
	if s.First, err = strconv.ParseInt(first, 10, 64); err != nil || s.First < 1 {
		return fmt.Errorf("%s is not a range of numbers: write 3, \"1-2\" or \"3-\"", b)
	}
	s.Last = s.First
	if ranged {
		s.Last = 0
	}
	if last != "" {
		if s.Last, err = strconv.ParseInt(last, 10, 64); err != nil || s.Last < s.First {
			return fmt.Errorf("%s is not a range of numbers: write 3, \"1-2\" or \"3-\"", b)
		}
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (s Span) MarshalJSON() ([]byte, error) {
	text := strconv.FormatInt(s.First, 10) + "-"
	if s.Last > 0 {
		text += strconv.FormatInt(s.Last, 10)
	}
	return json.Marshal(text)
}

func (s Span) fits(n int64) bool {
	return s.First == 0 || n >= s.First && (s.Last == 0 || n <= s.Last)
}

// RetryAfter is what a rule says about the header of that name; the zero value
// leaves the answer's own.
type RetryAfter struct {
	// Least and Most are seconds; one of the range is chosen.
	Least, Most int
	// Date writes it as an HTTP date.
	Date bool
	// None leaves the header out.
	None bool
}

// UnmarshalJSON implements json.Unmarshaler: 5, "1-5", "date 5", "date 1-5",
// "none".
func (r *RetryAfter) UnmarshalJSON(b []byte) error {
	text := unquoted(b)
	if text == "none" {
		*r = RetryAfter{None: true}
		return nil
	}
	rest, date := strings.CutPrefix(text, "date ")
	least, most, ranged := strings.Cut(rest, "-")
	if !ranged {
		most = least
	}
	from, err1 := strconv.Atoi(least)
	to, err2 := strconv.Atoi(most)
	if err1 != nil || err2 != nil || from < 0 || to < max(from, 1) {
		return fmt.Errorf("%s is not a retry_after: write seconds, \"1-5\", \"date 5\" or \"none\"", b)
	}
	*r = RetryAfter{Least: from, Most: to, Date: date}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (r RetryAfter) MarshalJSON() ([]byte, error) {
	if r.None {
		return json.Marshal("none")
	}
	text := strconv.Itoa(r.Least) + "-" + strconv.Itoa(r.Most)
	if r.Date {
		text = "date " + text
	}
	return json.Marshal(text)
}
