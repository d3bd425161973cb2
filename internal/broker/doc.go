// Package broker is everything NATS: the connection, the streams and durables,
// and the adapters that let internal/consumer pull, reschedule and bury without
// knowing a broker.
//
//	PUSH ─────── durable <handler> ───────────► Lane.Fresh
//	PUSH_RETRY ─ durable <handler> ───────────► Lane.Retries
//	           └ durable <handler>-suspects ──► Lane.Suspects
//	push.schedule.<handler>.… ◄── Scheduler      push.dead.… ◄── Letters
//
// It refuses to know what a receipt is, how often one is tried and what a
// handler does. What is lost at its border: the headers of a message that begin
// with Nats- or Push- are the broker's and ours and are not handed on as the
// publisher's, and an ack is buffered, so a nil error of one is not the broker's
// word.
package broker
