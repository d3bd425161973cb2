package consumer

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// mostLines is how many lines of a kind a lane writes in a minute as they are. It
// counts the others.
const mostLines = 5

// lineKind is a kind of log line that a receipt causes, so that there may be
// thousands of it in a second.
type lineKind uint8

const (
	buryLine lineKind = iota
	redeliverLine
	leftOutLine
	refusedLine
	tooLargeLine
	ackFailedLine
	pullFailedLine
	notStoredLine
	storedAgainLine
	lineKinds
)

// level is the level of all lines of the kind.
func (k lineKind) level() zerolog.Level {
	if k == redeliverLine || k == storedAgainLine {
		return zerolog.InfoLevel
	}
	if k == notStoredLine {
		return zerolog.ErrorLevel
	}
	return zerolog.WarnLevel
}

// String is the message of the lines of the kind, or its end.
func (k lineKind) String() string {
	return [lineKinds]string{
		buryLine:        "bury",
		redeliverLine:   "redeliver",
		leftOutLine:     "recipients left out; the others go on",
		refusedLine:     "targets refused for good; the others go on",
		tooLargeLine:    "part of a receipt is too large to be tried again; the others go on",
		ackFailedLine:   "receipt is settled, but the ack could not be sent: the broker delivers it again; check the connection to the broker",
		pullFailedLine:  "pulling was interrupted; it goes on",
		notStoredLine:   "cannot be stored; they wait in memory and are stored again: check the space and limits of the stream",
		storedAgainLine: "are stored again",
	}[k]
}

// folds counts a lane's lines by kind since they were last told.
type folds [lineKinds]atomic.Int64

// line begins a log line, or returns nil when enough of its kind were written in this
// minute. At level debug every line is written.
func (l *Lane) line(k lineKind) *zerolog.Event {
	if l.folds[k].Add(1) > mostLines && l.foldsLines() {
		return nil
	}
	return l.log.WithLevel(k.level())
}

func (l *Lane) foldsLines() bool { return l.log.GetLevel() > zerolog.DebugLevel }

// tellFolded says, in a line a kind, how many lines were left out in the time past.
func (l *Lane) tellFolded(past time.Duration) {
	for k := range lineKinds {
		n := l.folds[k].Swap(0) - mostLines
		if n <= 0 || !l.foldsLines() {
			continue
		}
		l.log.WithLevel(k.level()).Stringer("line", k).Int64("count", n).
			Msg(fmt.Sprintf("%s like this in the last %s: %s", counted(n, "more line"), inWords(past), k))
	}
}

// counted is n of what is counted: "1 receipt", "2 receipts".
func counted[N int64 | uint64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// inWords is a time as a summary says it: in whole seconds, or "minute".
func inWords(past time.Duration) string {
	past = max(past.Round(time.Second), time.Second)
	if past == time.Minute {
		return "minute"
	}
	return past.String()
}
