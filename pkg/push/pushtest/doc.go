// Package pushtest is for the tests of handlers and of those who use handlers: a
// conformance suite that any [push.Handler] can run ([TestHandler]), and a few
// hand-written fakes that are named by their behaviour.
//
// The suite refuses to know what a handler sends and where to; it sees the
// handler's methods, the outcomes that it reports, and what the caller counts as
// delivered. It uses the real clock and real goroutines, so that handlers with
// sockets can run it too; waits end when what they wait for happens. What it does
// not see: a goroutine that a handler started before Init.
package pushtest
