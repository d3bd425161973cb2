package push

import "errors"

// asType finds the first error of the type E in err's tree. It is errors.AsType of
// Go 1.26, which the chat servers that import this package need not have.
func asType[E error](err error) (E, bool) {
	var found E
	ok := errors.As(err, &found)
	return found, ok
}
