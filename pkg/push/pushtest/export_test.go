package pushtest

import "testing"

// Examine runs one check of the suite, so that a test can watch it find a fault.
func Examine(t testing.TB, s Subject, check string) { s.examine(t, checks()[check]) }
