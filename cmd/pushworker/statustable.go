package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/internal/admin"
)

// statusLines are the tables of a status: lanes, a blank line, streams. Rates are
// columns if they are asked for.
func statusLines(w watched, rates bool, width int, colour bool) []string {
	lanes := aligned(laneRows(w, rates), width)
	for i, l := range w.Lanes {
		if start := laneColour(laneState(l.LaneStats, l.LaneState)); colour && start != "" {
			lanes[i+1] = start + lanes[i+1] + "\x1b[0m"
		}
	}
	return slices.Concat(lanes, []string{""}, aligned(streamRows(w, rates), width))
}

func laneRows(w watched, rates bool) [][]string {
	row := func(lane, pending, flight, retries, rate, dropped, state, oldest string) []string {
		if rates {
			return []string{oneLine(lane), pending, flight, retries, rate, dropped, state, oldest}
		}
		return []string{oneLine(lane), pending, flight, retries, dropped, state, oldest}
	}
	rows := [][]string{row("LANE", "PENDING", "IN FLIGHT", "RETRIES", "OUT/S", "DROPPED", "STATE", "OLDEST")}
	for _, l := range w.Lanes {
		c := cellsOf(l)
		rows = append(rows, row(l.Handler, c.pending, c.flight, c.retries, w.laneRate(l.Handler), c.dropped, laneState(l.LaneStats, l.LaneState), c.oldest))
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
			c.oldest = durationText(time.Duration(b.OldestPendingSeconds * float64(time.Second)))
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
	case stateDown:
		return "\x1b[31m"
	case statePaused, stateWaiting, stateAbandoned:
		return "\x1b[33m"
	}
	return ""
}

func streamRows(w watched, rates bool) [][]string {
	header := []string{"STREAM", "MESSAGES", "BYTES", "LIMIT"}
	if rates {
		header = append(header, "IN/S")
	}
	rows := [][]string{header}
	for _, s := range w.Streams {
		limit := "-"
		if s.MaxBytes > 0 {
			limit = byteText(uint64(s.MaxBytes))
		}
		row := []string{oneLine(s.Stream), strconv.FormatUint(s.Messages, 10), byteText(s.Bytes), limit}
		if rates {
			row = append(row, w.streamRate(s.Stream))
		}
		rows = append(rows, row)
	}
	return rows
}

func (w watched) laneRate(lane string) string {
	if w.Rates == nil {
		return "-"
	}
	return rateText(w.Rates.Lanes[lane])
}

func (w watched) streamRate(stream string) string {
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
