package push

import "context"

// Failer is a [Directory] that keeps since when devices fail, for all processes and over
// restarts, so that one that has failed for long enough can be removed.
type Failer interface {
	Directory
	// Fails notes that d fails, or, if is is zero, that it does not any more. If the same
	// is noted of it already, the earlier time stays. That d is not, or no longer, there is
	// no error.
	//
	// A device for which Gone is called with Failing.Why as the reason leaves only if
	// it is still noted to fail like that.
	Fails(ctx context.Context, d Device, is Failing) error
}

// Fails has directory note that d fails, if it is a [Failer].
func Fails(ctx context.Context, directory Directory, d Device, is Failing) error {
	if f, ok := directory.(Failer); ok {
		return f.Fails(ctx, d, is)
	}
	return nil
}
