package consumer

import "errors"

var (
	// ErrSourceGone says that the stream or the durable behind a [Source] was
	// deleted underneath; the lane cannot go on.
	ErrSourceGone = errors.New("stream or durable is gone")
	// ErrUnfinished says that a lane stopped with work unfinished; what was
	// unfinished has been handed back to the queue.
	ErrUnfinished = errors.New("stopped with work unfinished")
	// ErrNoRoom says that the next message of a [Source] is larger than what was asked for.
	ErrNoRoom = errors.New("next message is larger than what was asked for")
	// ErrTooLarge says that the broker will never store what a [Scheduler] or a
	// [DeadLetters] was given, because it is larger than the broker takes.
	ErrTooLarge = errors.New("larger than the broker stores")
)
