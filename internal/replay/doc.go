// Package replay takes stored receipts a second time: it chooses some of them, keeps
// a pace, and hands them to a file, a terminal or a handler.
//
//	stored receipts ─► Filter ─► Pace ─► Sink: Lines │ Delivery
//	                     Replay ──► Position ─► Checkpoint (a file)
//
// It refuses to know where receipts are stored, how an end of the stretch was meant,
// and which handlers there are: it is given an iterator and a sink. What is lost at its
// border: the subject and the headers of a receipt, and that a handler failed: that is
// counted and told, and tried again by nobody. A replay changes nothing where the
// receipts are stored.
package replay
