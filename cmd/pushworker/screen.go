package main

import (
	"os"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// width is how many columns f has if it is a terminal, else 0: what goes to a file or
// a pipe is not cut.
func width(f any) int {
	if !isTerminal(f) {
		return 0
	}
	if width, _, err := term.GetSize(int(f.(*os.File).Fd())); err == nil && width > 0 {
		return width
	}
	return screenWidth
}

// isTerminal reports whether f is a terminal.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}
