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
// only. What is lost at its border: [Decode] tolerates JSON fields that it does not
// know, and they are not part of a [Receipt]; [Narrow] keeps them, because it edits
// the bytes as they came.
//
// The interface is that of the push package of Tinode, an open-source chat server, as
// of version 0.16.4: the package functions, [Handler], and the types of the wire.
// Where comments say what Tinode does, they mean that package.
package push
