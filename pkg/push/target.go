package push

// Result is what became of one target of a receipt.
type Result string

// The results; [Targets] counts each.
const (
	ResultAccepted Result = "accepted"
	ResultSkipped  Result = "skipped"
	ResultGone     Result = "gone"
	ResultRejected Result = "rejected"
	ResultRetried  Result = "retried"
)

// Target is what became of one target of a receipt.
type Target struct {
	// Device is the target. Only its User is set for a user who has no device, and
	// nothing for a channel.
	Device Device
	// Channel is the name of the channel that is the target, or empty.
	Channel string
	Result  Result
	// Why says the reason of another result than accepted, without tokens and
	// content.
	Why string
	// UniqueID is what the provider calls the push in its own console, if it says so.
	UniqueID string
}

// Itemize says what became of each of r's targets, for those who want to tell
// people. A handler that knows calls it before Done, and does not change the
// slice afterwards. It adds to [Receipt.Tally] and does not replace it.
func (r *Receipt) Itemize(targets []Target) { r.items = targets }

// Itemized returns what Itemize was told; nil if it was not called.
func (r *Receipt) Itemized() []Target { return r.items }
