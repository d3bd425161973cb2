package outcome

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxListed is how many users and how many targets an event lists.
	maxListed = 256
	// maxText is the greatest length of an error and of a reason in bytes.
	maxText = 1 << 10
)

// appendEvent appends the [Event] of o, as encoding/json would write it, and a line
// break. With encoding/json, events of everything would cost a lane more than they
// may. hash masks tokens; dry says
// that the handler delivers nothing.
func appendEvent(dst []byte, o *consumer.Outcome, hash func(string) string, dry bool) []byte {
	users, untargeted, targets, unlisted := listed(o)
	dst = appendTime(append(dst, `{"at":`...), o.At)
	dst = appendString(append(dst, `,"handler":`...), o.Handler)
	dst = appendString(append(dst, `,"verdict":`...), verdict(o))
	if dry {
		dst = append(dst, `,"dry_run":true`...)
	}
	dst = appendString(append(dst, `,"stream":`...), o.Origin.RootStream)
	dst = strconv.AppendUint(append(dst, `,"stream_seq":`...), o.Origin.RootSeq, 10)
	dst = appendTime(append(dst, `,"published":`...), o.Origin.First)
	dst = strconv.AppendInt(append(dst, `,"attempt":`...), int64(o.Attempts), 10)
	if o.Delay > 0 {
		dst = appendTime(append(dst, `,"next":`...), o.At.Add(o.Delay).Truncate(time.Millisecond))
	}
	if o.Reason != 0 {
		dst = appendString(append(dst, `,"reason":`...), o.Reason.String())
	}
	dst = appendText(dst, `,"error":`, cut(o.Error))
	dst = appendList(dst, `,"users":`, users, appendUser)
	dst = appendList(dst, `,"untargeted":`, untargeted, appendUser)
	dst = appendCount(dst, `,"accepted":`, o.Counts.Accepted)
	dst = appendCount(dst, `,"skipped":`, o.Counts.Skipped)
	dst = appendCount(dst, `,"gone":`, o.Counts.Gone)
	dst = appendCount(dst, `,"rejected":`, o.Counts.Rejected)
	dst = appendCount(dst, `,"retried":`, o.Counts.Retried)
	dst = appendList(dst, `,"targets":`, targets, func(dst []byte, t push.Target) []byte { return appendTarget(dst, t, hash) })
	dst = appendCount(dst, `,"unlisted":`, unlisted)
	return append(dst, "}\n"...)
}

// verdict is how the receipt left its lane, or that it was replayed beside it.
func verdict(o *consumer.Outcome) string {
	if o.Replayed {
		return Replay
	}
	return o.Verdict.String()
}

// listed are the users and targets that an event lists, and how many it does not:
// rather those targets that people will ask about.
func listed(o *consumer.Outcome) (users, untargeted []push.Uid, targets []push.Target, unlisted int) {
	users, untargeted, targets = o.Users, o.Untargeted, o.Targets
	if n := len(targets) - maxListed; n > 0 {
		unlisted += n
		targets = slices.SortedStableFunc(slices.Values(targets), func(a, b push.Target) int {
			return cmp.Compare(accepted(a), accepted(b))
		})[:maxListed]
	}
	if n := len(users) - maxListed; n > 0 {
		unlisted += n
		users = users[:maxListed]
	}
	if n := len(untargeted) - maxListed; n > 0 {
		unlisted += n
		untargeted = untargeted[:maxListed]
	}
	return users, untargeted, targets, unlisted
}

// accepted is 1 for a target that was accepted and 0 for others.
func accepted(t push.Target) int {
	if t.Result == push.ResultAccepted {
		return 1
	}
	return 0
}

func appendTarget(dst []byte, t push.Target, hash func(string) string) []byte {
	dst = append(dst, '{')
	begin := len(dst)
	if !t.Device.User.IsZero() {
		dst = appendText(dst, `,"user":`, t.Device.User.String())
	}
	dst = appendText(dst, `,"id":`, t.Device.ID)
	dst = appendText(dst, `,"provider":`, t.Device.Provider)
	dst = appendText(dst, `,"platform":`, t.Device.Platform)
	dst = appendText(dst, `,"app":`, t.Device.More().App)
	dst = appendText(dst, `,"kind":`, t.Device.More().Kind)
	if t.Device.Token != "" {
		dst = appendText(dst, `,"token_hash":`, hash(t.Device.Token))
	}
	dst = appendText(dst, `,"channel":`, t.Channel)
	dst = appendString(append(dst, `,"result":`...), string(t.Result))
	dst = appendText(dst, `,"why":`, cut(t.Why))
	dst = appendText(dst, `,"unique_id":`, t.UniqueID)
	return append(slices.Delete(dst, begin, begin+1), '}') // the first comma
}

// appendList appends a member that is left out when it is empty.
func appendList[T any](dst []byte, member string, list []T, element func([]byte, T) []byte) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(append(dst, member...), '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, v)
	}
	return append(dst, ']')
}

// appendCount appends a member that is left out when it is zero.
func appendCount(dst []byte, member string, n int) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, member...), int64(n), 10)
}

// appendText appends a member that is left out when it is empty.
func appendText(dst []byte, member, s string) []byte {
	if s == "" {
		return dst
	}
	return appendString(append(dst, member...), s)
}

// appendTime appends t, which is of these centuries.
func appendTime(dst []byte, t time.Time) []byte {
	dst = t.UTC().AppendFormat(append(dst, '"'), time.RFC3339Nano)
	return append(dst, '"')
}

// appendString leaves what is not plain to encoding/json.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, err := json.Marshal(strings.ToValidUTF8(s, "\ufffd"))
			if err != nil {
				panic(err) // every string can be encoded
			}
			return append(dst, text...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// cut bounds a text. A character cut in two becomes a replacement character when it
// is encoded.
func cut(s string) string { return s[:min(len(s), maxText)] }
