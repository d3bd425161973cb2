package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker"
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
func (a *app) watch(ctx context.Context, c *config.Config, conn *broker.Conn, out format, every time.Duration) error {
	live := out == formatTable && isTerminal(a.stdout)
	if live {
		defer func() { _, _ = io.WriteString(a.stdout, showCursor) }() // nobody to tell
		if _, err := io.WriteString(a.stdout, hideCursor+clearScreen); err != nil {
			return fmt.Errorf("write the status: %w", err)
		}
	}
	var last admin.Status
	for again := true; again; again = pause(ctx, every) {
		status, _, problem := look(ctx, c, conn)
		if ctx.Err() != nil {
			return nil
		}
		if err := a.showLook(watched{status, since(last, status)}, problem, out, live); err != nil {
			return err
		}
		if problem == nil {
			last = status
		}
	}
	return nil
}

func (a *app) showLook(w watched, problem error, out format, live bool) error {
	var b bytes.Buffer
	var err error
	switch {
	case live:
		b.WriteString(screen(w, width(a.stdout), a.colour(a.stdout)))
	case problem != nil:
		a.say("%s", problem)
	case out == formatTable:
		b.WriteString(plainLines(w))
	default:
		err = json.NewEncoder(&b).Encode(w)
	}
	if err == nil {
		_, err = a.stdout.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	if out != formatTable {
		for _, p := range w.Problems {
			if problem == nil {
				a.say("%s", p)
			}
		}
	}
	return nil
}

// screen is a whole screen that is written over the one before, without clearing it
// first, so that nothing flickers.
func screen(w watched, width int, colour bool) string {
	lines := append([]string{"pushworker status  " + w.Time.Local().Format(time.TimeOnly) + "   Ctrl-C ends", ""}, statusLines(w, true, width, colour)...)
	for _, l := range w.Lanes {
		for _, trouble := range troubles(l) {
			lines = append(lines, "", cell(l.Handler+": "+trouble, width))
		}
	}
	for _, p := range w.Problems {
		lines = append(lines, "", cell(p, width))
	}
	return goHome + strings.Join(lines, clearLine+"\n") + clearLine + "\n" + clearBelow
}

// plainLines is a line for each lane, for files and pipes.
func plainLines(w watched) string {
	var b strings.Builder
	at := w.Time.UTC().Format(time.RFC3339)
	for _, l := range w.Lanes {
		c := cellsOf(l)
		fmt.Fprintf(&b, "%s %s pending=%s in_flight=%s retries=%s out_per_s=%s dropped=%s state=%s oldest=%s\n",
			at, oneLine(l.Handler), c.pending, c.flight, c.retries, w.laneRate(l.Handler), c.dropped, laneState(l.LaneStats, l.LaneState), c.oldest)
	}
	for _, p := range w.Problems {
		b.WriteString(at + " " + oneLine(p) + "\n")
	}
	return b.String()
}
