package status

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/sleep"
)

// What a terminal is told: to hide and show the cursor, to clear the screen, to go
// to its first place, to clear the rest of a line and of the screen.
const (
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	clearScreen = "\x1b[2J"
	goHome      = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// watch shows the status at every interval until ctx ends: as a table that stays in
// its place on a terminal, as a line for each lane elsewhere, or as one JSON object
// for each look. What goes wrong is shown, and looked at again.
func (a command) watch(ctx context.Context, c *config.Config, conn *broker.Conn, out terminal.Format, every time.Duration) error {
	live := out == terminal.FormatTable && terminal.IsTerminal(a.Stdout)
	if live {
		defer func() { _, _ = io.WriteString(a.Stdout, showCursor) }() // nobody to tell
		if _, err := io.WriteString(a.Stdout, hideCursor+clearScreen); err != nil {
			return fmt.Errorf("write the status: %w", err)
		}
	}
	var last admin.Status
	for again := true; again; again = sleep.For(ctx, every) == nil {
		status, _, problem := look(ctx, c, conn)
		if ctx.Err() != nil {
			return nil
		}
		if err := a.showLook(admin.Watched{Status: status, Rates: admin.Since(last, status)}, problem, out, live); err != nil {
			return err
		}
		if problem == nil {
			last = status
		}
	}
	return nil
}

func (a command) showLook(w admin.Watched, problem error, out terminal.Format, live bool) error {
	var b bytes.Buffer
	var err error
	switch {
	case live:
		b.WriteString(screen(w, terminal.Width(a.Stdout), a.Colour(a.Stdout)))
	case problem != nil:
		a.Say("%s", problem)
	case out == terminal.FormatTable:
		b.WriteString(plainLines(w))
	default:
		err = writeJSON(&b, w)
	}
	if err == nil {
		_, err = a.Stdout.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	if out != terminal.FormatTable {
		for _, p := range w.Problems {
			if problem == nil {
				a.Say("%s", p)
			}
		}
	}
	return nil
}

// screen is a whole screen that is written over the one before, without clearing it
// first, so that nothing flickers.
func screen(w admin.Watched, width int, colour bool) string {
	lines := append([]string{"pushworker status  " + w.Time.Local().Format(time.TimeOnly) + "   Ctrl-C ends", ""}, statusLines(w, true, width, colour)...)
	for _, l := range w.Lanes {
		for _, trouble := range l.Troubles() {
			lines = append(lines, "", terminal.Cell(l.Handler+": "+trouble, width))
		}
	}
	if doubt := w.Doubt(); doubt != "" {
		lines = append(lines, "", terminal.Cell("devices: "+doubt, width))
	}
	for _, p := range w.Problems {
		lines = append(lines, "", terminal.Cell(p, width))
	}
	return goHome + strings.Join(lines, clearLine+"\n") + clearLine + "\n" + clearBelow
}

// plainLines is a line for each lane, for files and pipes.
func plainLines(w admin.Watched) string {
	var b strings.Builder
	at := w.Time.UTC().Format(time.RFC3339)
	for _, l := range w.Lanes {
		c := cellsOf(l)
		fmt.Fprintf(&b, "%s %s pending=%s in_flight=%s retries=%s out_per_s=%s dropped=%s state=%s oldest=%s\n",
			at, terminal.OneLine(l.Handler), c.pending, c.flight, c.retries, laneRate(w, l.Handler), c.dropped, l.State(), c.oldest)
	}
	for _, p := range w.Problems {
		b.WriteString(at + " " + terminal.OneLine(p) + "\n")
	}
	return b.String()
}
