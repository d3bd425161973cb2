package push_test

import "errors"

// asType is errors.AsType of Go 1.26; the package and its tests build with older ones.
func asType[E error](err error) (E, bool) {
	var found E
	ok := errors.As(err, &found)
	return found, ok
}
