package otlptest

import (
	"fmt"
	"strings"
)

// Tree draws spans below their parents, each as line says it, in the order given. A span
// whose parent is not among them is a root.
func Tree(spans []Span, line func(Span) string) string {
	known := make(map[string]bool)
	below := make(map[string][]Span)
	for _, s := range spans {
		known[s.ID] = true
	}
	for _, s := range spans {
		parent := s.Parent
		if !known[parent] {
			parent = ""
		}
		below[parent] = append(below[parent], s)
	}
	var b strings.Builder
	for _, root := range below[""] {
		fmt.Fprintln(&b, line(root))
		branch(&b, "", below, root.ID, line)
	}
	return b.String()
}

func branch(b *strings.Builder, indent string, below map[string][]Span, id string, line func(Span) string) {
	children := below[id]
	for i, s := range children {
		fork, under := "├─ ", "│  "
		if i == len(children)-1 {
			fork, under = "└─ ", "   "
		}
		fmt.Fprintln(b, indent+fork+strings.ReplaceAll(line(s), "\n", "\n"+indent+under))
		branch(b, indent+under, below, s.ID, line)
	}
}
