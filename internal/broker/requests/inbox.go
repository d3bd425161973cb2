package requests

import "strings"

// IsInbox reports whether subject is one where somebody waits for an answer:
// _INBOX.…, an inbox of a prefix of its own such as _INBOX_chat.…, or _R_.…, which
// the broker puts in its place for a request that comes from another account.
//
// Whoever answers publishes with its own rights, and who asks chooses the subject. An
// answer on another one could be stored as a device list, a retry or a dead letter.
func IsInbox(subject string) bool {
	if wrapped, ok := strings.CutPrefix(subject, gatewayReply); ok { // _GR_.<cluster>.<server>.<reply>
		parts := strings.SplitN(wrapped, ".", 3)
		subject = parts[len(parts)-1]
	}
	first, rest, _ := strings.Cut(subject, ".")
	return rest != "" && (first == "_INBOX" || strings.HasPrefix(first, "_INBOX_") || first == "_R_")
}

// gatewayReply begins the reply of a request that came from another cluster. No
// client may set one.
const gatewayReply = "_GR_."
