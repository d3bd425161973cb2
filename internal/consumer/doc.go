// Package consumer is the main path: it pulls receipts, hands each to its
// handler, waits for the outcome and settles it.
//
//	Source ─pull─► slot ─► decode ─► handler channel ─► Done(err)
//	                                                      │ retry.Policy.Decide
//	                 ┌────────────────────────────────────┤
//	                 ▼                  ▼                 ▼
//	             door: ack      door: redeliver       door: bury
//	                          (nak, or Scheduler)    (DeadLetters)
//
// A [Lane] is one handler with its sources. A receipt leaves a lane by exactly
// one of the three doors in doors.go; the one log line and the one counter of
// its outcome are at the door and nowhere else.
//
// The package refuses to know the broker: it sees [Source], [Message],
// [Scheduler] and [DeadLetters], which internal/broker implements. What is lost at
// its border: an ack is handed to the broker's client and not confirmed, so a
// crash of the broker may bring an acknowledged message back; the table of
// settled messages (settled.go) recognises it.
package consumer
