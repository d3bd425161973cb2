package terminal

import (
	"strings"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/rivo/uniseg"
)

// columnGap is what is left free between two columns.
const columnGap = 2

// LeastColumn is what a column that has to give way keeps.
const LeastColumn = 4

// Align lays rows out in columns. If they do not fit into width, where 0 is no
// bound, the widest columns are cut.
func Align(rows [][]string, width int) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	if width > 0 {
		narrow(widths, width)
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		var b strings.Builder
		for j, cell := range row {
			cell = Clip(cell, widths[j])
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[j]-uniseg.StringWidth(cell)+columnGap))
		}
		lines[i] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// narrow makes the widest columns narrower until all fit. The last one, which says why
// in most tables, keeps a quarter.
func narrow(widths []int, width int) {
	if len(widths) == 0 {
		return
	}
	others, last := widths[:len(widths)-1], &widths[len(widths)-1]
	room := width - columnGap*len(others)
	most := 0
	for _, w := range others {
		most = max(most, w)
	}
	for ; most > LeastColumn && total(others, most)+min(*last, width/4) > room; most-- {
	}
	room -= total(others, most)
	for i, w := range others {
		others[i] = min(w, most)
	}
	*last = min(*last, max(LeastColumn, room))
}

// total is how wide columns are of which none is wider than most.
func total(widths []int, most int) (sum int) {
	for _, w := range widths {
		sum += min(w, most)
	}
	return sum
}

// Clip is s in at most width columns of a terminal. No character is cut in two.
func Clip(s string, width int) string {
	if uniseg.StringWidth(s) <= width {
		return s
	}
	var b strings.Builder
	used := 1 // the ellipsis
	for it := graphemes.FromString(s); it.Next(); b.WriteString(it.Value()) {
		if used += uniseg.StringWidth(it.Value()); used > width {
			break
		}
	}
	return b.String() + "…"
}
