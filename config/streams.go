package config

import (
	"slices"
	"strconv"
	"strings"
)

// maxStreams is the most streams of receipts that there may be.
const maxStreams = 256

// Streams says how many streams share the receipts, and which of them a worker takes. It
// is written 4, or 4:0,2 for the first and the third of four.
type Streams struct { //nolint:recvcheck // only decoding needs the pointer
	// Count is 1 to 256.
	Count int
	// Taken are those that a worker takes, in order; empty for all.
	Taken []int
}

// Decode implements envconfig.Decoder.
func (s *Streams) Decode(value string) error {
	bad := problems{{"is not a number of streams", "write how many there are, 1 to 256, and if this worker is to take only some, which: 4, or 4:0,2 for the first and the third of four"}}
	count, list, some := strings.Cut(strings.TrimSpace(value), ":")
	n, err := strconv.ParseUint(count, 10, 16)
	if err != nil || n < 1 || n > maxStreams {
		return bad
	}
	parsed := Streams{Count: int(n)}
	for text := range strings.SplitSeq(list, ",") {
		if !some {
			break
		}
		i, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
		if err != nil || i >= n {
			return bad
		}
		parsed.Taken = append(parsed.Taken, int(i))
	}
	slices.Sort(parsed.Taken)
	parsed.Taken = slices.Compact(parsed.Taken)
	*s = parsed
	return nil
}

// String writes s as it is read.
func (s Streams) String() string {
	if len(s.Taken) == 0 {
		return strconv.Itoa(s.Count)
	}
	taken := make([]string, len(s.Taken))
	for i, n := range s.Taken {
		taken[i] = strconv.Itoa(n)
	}
	return strconv.Itoa(s.Count) + ":" + strings.Join(taken, ",")
}

// Takes reports whether a worker takes a stream, which counts from 0.
func (s Streams) Takes(i int) bool { return len(s.Taken) == 0 || slices.Contains(s.Taken, i) }
