package deadletter

import (
	"cmp"
	"iter"
	"maps"
	"regexp"
	"slices"
	"time"
)

// Group are the letters of one handler, reason and kind of error.
type Group struct {
	Letters int    `json:"letters"`
	Handler string `json:"handler"`
	Reason  string `json:"reason"`
	// Error is what the errors have in common.
	Error string `json:"error"`
	// First and Last are when the first and the last of them were buried, and Example is
	// the sequence of the last.
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Example uint64    `json:"example"`
}

// Groups sorts letters, which come in the order of their burial, into groups, the
// greatest first.
func Groups(letters iter.Seq2[Letter, error]) ([]*Group, error) {
	type kind struct{ handler, reason, err string }
	groups := make(map[kind]*Group)
	for l, err := range letters {
		if err != nil {
			return nil, err
		}
		key := kind{l.Handler, l.Reason, errorKind(l.Error)}
		group := groups[key]
		if group == nil {
			group = &Group{Handler: key.handler, Reason: key.reason, Error: key.err, First: l.Last}
			groups[key] = group
		}
		group.Letters++
		group.Last, group.Example = l.Last, l.Seq
	}
	return slices.SortedFunc(maps.Values(groups), func(a, b *Group) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(b.Example, a.Example))
	}), nil
}

// what differs between errors of one kind: quoted names, users, long numbers and
// hashes, times. A status such as 404 stays.
var variable = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\busr[A-Za-z0-9_-]{11}\b|\b[0-9a-f]*[0-9][0-9a-f]{3,}\b|\b\d+(?:\.\d+)?(?:ns|µs|ms|s|m|h)\b`)

// errorKind is an error without what differs between errors of one kind.
func errorKind(text string) string { return variable.ReplaceAllString(text, "…") }
