package devices

import "strings"

// isInbox reports whether subject is one where somebody waits for an answer:
// _INBOX.…, an inbox of a prefix of its own such as _INBOX_worker.…, or _R_.…, which
// the broker puts in its place for a request that comes from another account.
//
// Whoever answers publishes with its own rights, and who asks chooses the subject: an
// answer elsewhere could be stored as a receipt.
func isInbox(subject string) bool {
	if wrapped, ok := strings.CutPrefix(subject, "_GR_."); ok { // from another cluster: _GR_.<cluster>.<server>.<reply>
		parts := strings.SplitN(wrapped, ".", 3)
		subject = parts[len(parts)-1]
	}
	first, rest, _ := strings.Cut(subject, ".")
	return rest != "" && (first == "_INBOX" || strings.HasPrefix(first, "_INBOX_") || first == "_R_")
}
