// Package push is the domain of pushworker: what a receipt is, who handles it,
// and how a handler says what became of it.
//
// A chat server describes a notification as a [Receipt]: who is to be told
// ([Receipt.To]) and what ([Receipt.Payload]). A [Handler] carries receipts to
// one push provider. A [Registry] holds the handlers of a process. [Decode] and
// [Receipt.AppendJSON] are the two ends of the wire.
//
// A receipt that comes from a queue carries its own settlement: whoever
// finishes the work calls [Receipt.Done] once, and the type of the error is the
// instruction: [Permanent], [RetryAfter], [Unavailable], [Undelivered],
// [ErrExpired], [ErrNotStarted], or any other error for a transient failure.
//
// The package refuses to know where receipts are queued, how often a failed one
// is tried again, and which providers exist. It imports the standard library
// only. What is lost at its border: JSON fields it does not know are tolerated
// by [Decode] and are not part of a [Receipt]; [Narrow] keeps them, because it
// edits the original bytes.
package push
