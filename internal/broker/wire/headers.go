package wire

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

// The headers that the contract fixes, and some beside them.
const (
	headerExpires       = "Push-Expires"
	headerWaited        = "Push-Waited"
	headerHandler       = "Push-Handler"
	headerAttempt       = "Push-Attempt"
	headerOriginStream  = "Push-Origin-Stream"
	headerOriginSeq     = "Push-Origin-Seq"
	headerOriginSubject = "Push-Origin-Subject"
	HeaderReason        = "Push-Reason"
	HeaderError         = "Push-Error"
	headerFirst         = "Push-First"
	headerLast          = "Push-Last"
	headerTruncated     = "Push-Truncated"
	headerNarrowed      = "Push-Narrowed"
	headerRedriven      = "Push-Redriven"  // how often
	headerRestarted     = "Push-Restarted" // when it was last redriven
	headerTrace         = "Push-Trace"     // the first attempt that was traced, as traceparent says it
)

// isTrue is the value of a header that marks something.
const isTrue = "true"

const (
	// MaxErrorText is the greatest length of an error's text in a header.
	MaxErrorText = 1 << 10
	// maxTrace is the greatest length of a value of traceparent.
	maxTrace = 64
	// maxForwarded is the greatest total size of the publisher's own headers on
	// retries and letters. The broker refuses more than 64 KiB of headers, and ours
	// must find room.
	maxForwarded = 16 << 10
	// maxWaited is the longest wait of a publisher that is believed. A longer one is
	// that of a clock that was set.
	maxWaited = 365 * 24 * time.Hour
)

// Published is what the publisher of a receipt has said beside it.
type Published struct {
	// Expires is when it goes stale; zero for never.
	Expires time.Time
	// Waited is how long the publisher had kept it before; zero for less than a second.
	Waited time.Duration
	// Header holds the publisher's own headers; nil when there are none.
	Header map[string][]string
}

// ReadPublished reads the headers of a message as it was published. Names that
// begin with Nats- or Push- are not the publisher's to hand on.
func ReadPublished(h nats.Header) (p Published) {
	for name, values := range h {
		switch {
		case strings.EqualFold(name, headerExpires):
			if t, err := time.Parse(time.RFC3339, first(values)); err == nil {
				p.Expires = t
			}
		case strings.EqualFold(name, headerWaited):
			p.Waited = max(p.Waited, readWaited(first(values)))
		case !reserved(name):
			if p.Header == nil {
				p.Header = make(map[string][]string, len(h))
			}
			p.Header[name] = values
		}
	}
	return p
}

// readWaited reads whole seconds, in digits. It is zero for what is no wait that can be
// believed.
func readWaited(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 32)
	if waited := time.Duration(seconds) * time.Second; err == nil && waited <= maxWaited {
		return waited
	}
	return 0
}

func reserved(name string) bool {
	const length = len("Nats-")
	return len(name) >= length && (strings.EqualFold(name[:length], "Nats-") || strings.EqualFold(name[:length], "Push-"))
}

// setStory adds what retries and letters both say of their receipt.
func setStory(h nats.Header, p Published, redriven int, narrowed bool, traced string) {
	setForwarded(h, p.Header)
	if !p.Expires.IsZero() {
		h.Set(headerExpires, FormatTime(p.Expires))
	}
	if p.Waited >= time.Second {
		h.Set(headerWaited, strconv.FormatInt(int64(p.Waited/time.Second), 10))
	}
	if redriven > 0 {
		h.Set(headerRedriven, strconv.Itoa(redriven))
	}
	if narrowed {
		h.Set(headerNarrowed, isTrue)
	}
	if traced != "" {
		h.Set(headerTrace, OneLine(traced, maxTrace))
	}
}

// setForwarded adds the publisher's own headers to h, by name. Names that are not
// header names are left out, and values for which maxForwarded leaves no room.
func setForwarded(h nats.Header, own map[string][]string) {
	room := maxForwarded
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if reserved(name) || !headerName(name) {
			continue
		}
		for _, v := range own[name] {
			v = OneLine(v, maxForwarded)
			if size := len(name) + len(v) + len(": \r\n"); size <= room {
				room -= size
				h.Add(name, v)
			}
		}
	}
}

// headerName reports whether name is a token of RFC 9110 section 5.6.2.
func headerName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// OneLine makes s fit for a header: valid UTF-8 without control characters and
// line breaks, which become spaces, of at most limit bytes.
func OneLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	return strings.TrimSpace(s)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// FormatTime is a time in a header.
func FormatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// SetTruncated marks a letter whose data was cut off.
func SetTruncated(h nats.Header) { h.Set(headerTruncated, isTrue) }
