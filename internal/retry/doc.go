// Package retry decides what happens to a receipt after a handler had it:
// settle it, try it again and when, or bury it and why.
//
// It is pure: no clock, no I/O, no logger, no randomness of its own. Everything
// it weighs arrives in an [Outcome], so every decision is a table test. It
// refuses to know the queue and the handlers; it knows the errors of pkg/push.
package retry
