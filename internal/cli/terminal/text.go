// Package terminal writes for people: text that is safe for a terminal, tables,
// lists, progress, quantities in words, and it reads what people type. It refuses to
// know what the text is about.
package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// ScreenWidth is the width that help and sentences keep to.
const ScreenWidth = 80

// Printable makes text that may hold anything safe for a terminal: what does not
// print is escaped as in Go, so that nothing can move the cursor, change colours
// or reverse the line. Line breaks stay.
func Printable(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if unprintable(r) {
			quoted := strconv.Quote(s[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// unprintable reports whether a terminal would do something else with r than show it.
func unprintable(r rune) bool {
	return r == utf8.RuneError || r != '\n' && !unicode.IsPrint(r) && !joins(r)
}

// joins reports whether r makes one character of its neighbours, as in the emoji of a
// family and in the scripts of India; it moves nothing.
func joins(r rune) bool {
	const nonJoiner, joiner = 0x200c, 0x200d
	return r == nonJoiner || r == joiner
}

// OneLine makes text that may hold anything fit for a line or a cell of a table.
func OneLine(s string) string { return strings.ReplaceAll(Printable(s), "\n", `\n`) }

// Cell is at most width columns of oneLine.
func Cell(s string, width int) string { return Clip(OneLine(s), width) }

// PrintableJSON is printable for JSON, with the escapes of JSON.
func PrintableJSON(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if !unprintable(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// OrDash shows that there is nothing.
func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Age says how long t is past.
func Age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return Duration(max(0, time.Since(t)))
}

// Duration is d in its largest unit: 42s, 12m, 5h, 9d.
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 2*time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < 2*day:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return strconv.Itoa(int(d/day)) + "d"
}

// Bytes is n with one decimal in its largest binary unit.
func Bytes(n uint64) string {
	size, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; size >= 1024 && i < len(units)-1; i++ {
		size /= 1024
	}
	return strconv.FormatFloat(size, 'f', min(i, 1), 64) + " " + units[i]
}

// Count is n things in words.
func Count(n int, thing string) string { return Plural(int64(n), thing, thing+"s") }

// Plural is n things in words, with the words for one and for many.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
