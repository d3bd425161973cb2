package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// screenWidth is the width that tables and help keep to.
const screenWidth = 80

// printable makes text that may hold anything safe for a terminal: what does not
// print is escaped as in Go, so that nothing can move the cursor, change colours
// or reverse the line. Line breaks stay.
func printable(s string) string {
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

func unprintable(r rune) bool {
	return r == utf8.RuneError || r != '\n' && !unicode.IsPrint(r)
}

// cell makes text that may hold anything fit for one cell of a table: one line of
// at most width characters.
func cell(s string, width int) string {
	s = strings.ReplaceAll(printable(s), "\n", `\n`)
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}
