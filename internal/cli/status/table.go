package status

import (
	"slices"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/cli/terminal"
)

// statusLines are the tables of a status: lanes, a blank line, streams. Rates are
// columns if they are asked for.
func statusLines(w admin.Watched, rates bool, width int, colour bool) []string {
	lanes := terminal.Align(laneRows(w, rates), width)
	for i, l := range w.Lanes {
		if start := laneColour(l.State()); colour && start != "" {
			lanes[i+1] = start + lanes[i+1] + "\x1b[0m"
		}
	}
	return slices.Concat(lanes, []string{""}, terminal.Align(streamRows(w, rates), width))
}

func laneRows(w admin.Watched, rates bool) [][]string {
	row := func(lane, pending, flight, retries, rate, dropped, state, oldest string) []string {
		if rates {
			return []string{terminal.OneLine(lane), pending, flight, retries, rate, dropped, state, oldest}
		}
		return []string{terminal.OneLine(lane), pending, flight, retries, dropped, state, oldest}
	}
	rows := [][]string{row("LANE", "PENDING", "IN FLIGHT", "RETRIES", "OUT/S", "DROPPED", "STATE", "OLDEST")}
	for _, l := range w.Lanes {
		c := cellsOf(l)
		rows = append(rows, row(l.Handler, c.pending, c.flight, c.retries, laneRate(w, l.Handler), c.dropped, l.State(), c.oldest))
	}
	return rows
}

// laneCells are a lane's figures; what is not known is a dash.
type laneCells struct{ pending, flight, retries, dropped, oldest string }

func cellsOf(l admin.Lane) laneCells {
	c := laneCells{"-", "-", "-", "-", "-"}
	if b := l.LaneStats; b != nil {
		c.pending = strconv.FormatUint(b.Pending, 10)
		c.flight = strconv.Itoa(b.InFlight)
		c.retries = strconv.FormatUint(b.RetriesWaiting, 10)
		if !b.OldestPending.IsZero() {
			c.oldest = terminal.Duration(time.Duration(b.OldestPendingSeconds * float64(time.Second)))
		}
	}
	if p := l.LaneState; p != nil {
		c.dropped = strconv.FormatUint(p.Dropped, 10)
	}
	return c
}

// laneColour is red for a lane whose provider is down and yellow for one that is paused,
// waits for the broker or is abandoned.
func laneColour(state string) string {
	switch state {
	case admin.StateDown:
		return "\x1b[31m"
	case admin.StatePaused, admin.StateWaiting, admin.StateAbandoned:
		return "\x1b[33m"
	}
	return ""
}

func streamRows(w admin.Watched, rates bool) [][]string {
	header := []string{"STREAM", "MESSAGES", "BYTES", "LIMIT"}
	if rates {
		header = append(header, "IN/S")
	}
	rows := [][]string{header}
	for _, s := range w.Streams {
		limit := "-"
		if s.MaxBytes > 0 {
			limit = terminal.Bytes(uint64(s.MaxBytes))
		}
		row := []string{terminal.OneLine(s.Stream), strconv.FormatUint(s.Messages, 10), terminal.Bytes(s.Bytes), limit}
		if rates {
			row = append(row, streamRate(w, s.Stream))
		}
		rows = append(rows, row)
	}
	return rows
}

func laneRate(w admin.Watched, lane string) string {
	if w.Rates == nil {
		return "-"
	}
	return rateText(w.Rates.Lanes[lane])
}

func streamRate(w admin.Watched, stream string) string {
	if w.Rates == nil {
		return "-"
	}
	return rateText(w.Rates.Streams[stream])
}

// rateText has a decimal where that matters.
func rateText(perSecond float64) string {
	if perSecond == 0 || perSecond >= 10 {
		return strconv.FormatFloat(perSecond, 'f', 0, 64)
	}
	return strconv.FormatFloat(perSecond, 'f', 1, 64)
}
