// Package outcome turns what becomes of receipts into events that others may read,
// attempt by attempt and target by target.
//
//	lane ─door─► Recorder.Record ─► bounded buffer ─► Run: mask, encode, batch ─► publish
//
// Events are no promise. Recording never waits: what does not fit into the buffer,
// or cannot be published, is dropped and counted. An event holds no token, only its
// mask, and no content.
//
// The package refuses to know the broker, and what a handler is. What is lost at
// its border: of a receipt with very many users and targets only some are listed.
package outcome
