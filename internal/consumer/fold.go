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

// lineKind is a kind of log line that a receipt causes. There may be thousands of them
// in a second.
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
	stuckLine
	storedAgainLine
	lineKinds
)

// level is the level of all lines of the kind.
func (k lineKind) level() zerolog.Level {
	if k == redeliverLine || k == storedAgainLine {
		return zerolog.InfoLevel
	}
	if k == notStoredLine || k == stuckLine {
		return zerolog.ErrorLevel
	}
	return zerolog.WarnLevel
}

// String is the message of the lines of the kind, or the end of the message.
func (k lineKind) String() string {
	return [lineKinds]string{
		buryLine:        "bury",
		redeliverLine:   "redeliver",
		leftOutLine:     "recipients cannot be read and became a dead letter; the others are delivered",
		refusedLine:     "targets were refused for good and became a dead letter; the others are retried",
		tooLargeLine:    "part of a receipt is too large to be retried and became a dead letter; the rest is retried",
		ackFailedLine:   "receipt is settled, but the ack could not be sent: the broker delivers it again; check the connection to the broker",
		pullFailedLine:  "pulling was interrupted; the lane pulls again",
		notStoredLine:   "cannot be stored; they wait in memory and the lane retries every few seconds: check the space and limits of the stream",
		stuckLine:       "dead letter is too large for the broker even without its data; its receipt waits in memory: raise max_msg_size of the stream",
		storedAgainLine: "can be stored again",
	}[k]
}

// folds counts a lane's lines by kind since the last line that gave their number.
type folds [lineKinds]atomic.Int64

// line begins a log line. It returns nil if enough lines of the kind were written in
// this minute. At level debug every line is written.
func (l *Lane) line(k lineKind) *zerolog.Event {
	if l.folds[k].Add(1) > mostLines && l.foldsLines() {
		return nil
	}
	return l.log.WithLevel(k.level())
}

func (l *Lane) foldsLines() bool {
	return max(l.log.GetLevel(), zerolog.GlobalLevel()) > zerolog.DebugLevel
}

// tellFolded writes a line for each kind: how many lines were left out in the time past.
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

// inWords writes a time for a summary: in whole seconds, or "minute".
func inWords(past time.Duration) string {
	past = max(past.Round(time.Second), time.Second)
	if past == time.Minute {
		return "minute"
	}
	return past.String()
}
