// Package e2e holds the tests that drive the real binary from outside: worker and
// broker processes that are killed, stopped and fed garbage, and a ledger of what
// was confirmed and what came out, kept outside the processes under test. It has
// no code but tests, and the broker that they start.
package e2e
