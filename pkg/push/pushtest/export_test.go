package pushtest

import "testing"

// Examine runs one check of the suite, so that a test can watch it find a fault.
func Examine(tb testing.TB, s Subject, check string) {
	tb.Helper()
	s.examine(tb, checks()[check])
}
