package terminal

import (
	"os"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// Width is how many columns f has if it is a terminal, else 0: what goes to a file or
// a pipe is not cut.
func Width(f any) int {
	if !IsTerminal(f) {
		return 0
	}
	if width, _, err := term.GetSize(int(f.(*os.File).Fd())); err == nil && width > 0 {
		return width
	}
	return ScreenWidth
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}
