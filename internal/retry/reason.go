package retry

// Reason says why a receipt was buried. The set is small and closed, because it
// is a metric label, a header of letters and a filter of the command line.
type Reason uint8

// The reasons, as contract names them.
const (
	// Malformed: the bytes are not a receipt.
	Malformed Reason = iota + 1
	// Oversize: the bytes exceed the size limit.
	Oversize
	// Rejected: the handler said that trying again cannot help.
	Rejected
	// Attempts: the attempt budget is used up.
	Attempts
	// Age: the age budget is used up.
	Age
	// CrashLoop: processes died with it, the last three while it was the one suspect.
	CrashLoop
	// Panic: the handler panicked on it until the budget was used up.
	Panic
)

// Reasons lists every reason in declaration order.
func Reasons() []Reason {
	return []Reason{Malformed, Oversize, Rejected, Attempts, Age, CrashLoop, Panic}
}

// String returns the reason's code, for example "crash_loop".
func (r Reason) String() string {
	switch r {
	case Malformed:
		return "malformed"
	case Oversize:
		return "oversize"
	case Rejected:
		return "permanent"
	case Attempts:
		return "attempts"
	case Age:
		return "age"
	case CrashLoop:
		return "crash_loop"
	case Panic:
		return "panic"
	}
	return "unknown"
}
