package status

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/cli/terminal"
)

// twoLooks are two looks, two seconds apart, at lanes with the longest names and
// large numbers.
func twoLooks() (before, now admin.Status) {
	at := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	look := func(delivered, stored uint64, at time.Time) admin.Status {
		lane := func(name string, paused, open bool) admin.Lane {
			return admin.Lane{
				Handler: name,
				LaneStats: &status.LaneStats{
					Handler: name, Pending: 10_000_000, Delivered: delivered, InFlight: 1440, RetriesWaiting: 250_000,
					OldestPending: at, OldestPendingSeconds: 400, Paused: paused,
				},
				LaneState: &admin.LaneState{Dropped: 99_999, BreakerOpen: open, BreakerError: "the provider \x1b[2J says " + strings.Repeat("no ", 40)},
			}
		}
		return admin.Status{
			Time:    at,
			Lanes:   []admin.Lane{lane("a-name-of-thirty-two-characters!", false, true), lane("stdout", true, false), lane("apns", false, false)},
			Streams: []status.StreamStats{{Stream: "PUSH", Messages: 10_000_000, Bytes: 8 << 30, LastSeq: stored, MaxBytes: 8 << 30}},
		}
	}
	return look(1000, 5000, at), look(1025, 25_000, at.Add(2*time.Second))
}

func TestRatesAreDifferencesOverTime(t *testing.T) {
	t.Parallel()
	before, now := twoLooks()
	if r := admin.Since(admin.Status{}, now); r != nil {
		t.Errorf("rates of the first look are %+v", r)
	}
	r := admin.Since(before, now)
	if r == nil || r.Lanes["apns"] != 12.5 || r.Streams["PUSH"] != 10_000 {
		t.Errorf("rates are %+v, want 12.5 and 10000", r)
	}
	if r := admin.Since(now, admin.Status{Time: now.Time.Add(time.Second), Streams: before.Streams}); r.Streams["PUSH"] != 0 {
		t.Errorf("a stream that was made anew has the rates %+v", r)
	}
}

// A screen is written over the one before, fits 80 columns, and nothing but our own
// few sequences reaches the terminal.
func TestScreenFitsAndDoesNotFlicker(t *testing.T) {
	t.Parallel()
	before, now := twoLooks()
	w := admin.Watched{Status: now, Rates: admin.Since(before, now)}
	plain := screen(w, terminal.ScreenWidth, false)
	if !strings.HasPrefix(plain, goHome) || strings.Contains(plain, clearScreen) || !strings.HasSuffix(plain, clearBelow) {
		t.Errorf("the screen is cleared before it is drawn, or not after: %q", plain)
	}
	bare := strings.NewReplacer(goHome, "", clearLine, "", clearBelow, "").Replace(plain)
	if strings.Contains(bare, "\x1b") {
		t.Errorf("escapes get through: %q", bare)
	}
	for line := range strings.SplitSeq(bare, "\n") {
		if n := utf8.RuneCountInString(line); n > terminal.ScreenWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, want := range []string{"OUT/S", "12", "down", "paused", "running", "10000", "the provider"} {
		if !strings.Contains(bare, want) {
			t.Errorf("no %q on the screen:\n%s", want, bare)
		}
	}
	coloured := strings.Split(screen(w, terminal.ScreenWidth, true), "\n")
	red := func(l string) bool { return strings.HasPrefix(l, "\x1b[31m") && strings.Contains(l, "down") }
	if !slices.ContainsFunc(coloured, red) {
		t.Errorf("a lane that is down is not red: %q", coloured)
	}
}

func TestPlainLinesHaveOneForEachLane(t *testing.T) {
	t.Parallel()
	before, now := twoLooks()
	text := plainLines(admin.Watched{Status: now, Rates: admin.Since(before, now)})
	if n := strings.Count(text, "\n"); n != 3 || strings.Contains(text, "\x1b") {
		t.Errorf("%d lines, want 3:\n%s", n, text)
	}
	if want := "2026-11-25T03:00:02Z stdout pending=10000000 in_flight=1440 retries=250000 out_per_s=12 dropped=99999 state=paused oldest=6m\n"; !strings.Contains(text, want) {
		t.Errorf("lines are\n%swant\n%s", text, want)
	}
}

// What servers and providers word reaches a terminal escaped in JSON, too.
func TestForeignTextIsEscapedInJSON(t *testing.T) {
	t.Parallel()
	_, now := twoLooks()
	now.Problems = []string{"stream \u009b2J\u202eHSUP"}
	for _, v := range []any{now, admin.Watched{Status: now}} {
		var b bytes.Buffer
		if err := writeJSON(&b, v); err != nil {
			t.Fatal(err)
		}
		line := b.String()
		if !strings.Contains(line, `\u001b[2J`) || !strings.Contains(line, `\u009b2J\u202eHSUP`) || strings.ContainsAny(line, "\x1b\u009b\u202e") || strings.Count(line, "\n") != 1 {
			t.Errorf("%T is %q", v, line)
		}
	}
}
