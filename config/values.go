package config

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
)

const masked = "***"

// Secret is a value that never shows: printed, logged or encoded it is "***",
// or empty when it is not set.
type Secret struct{ value string }

// Reveal returns the value itself. Hand it to whom it is for and to nobody else.
func (s Secret) Reveal() string { return s.value }

// IsSet reports whether there is a value.
func (s Secret) IsSet() bool { return s.value != "" }

// Decode takes the value without the newline that editors and echo leave at its
// end. It implements envconfig.Decoder.
func (s *Secret) Decode(value string) error {
	s.value = strings.TrimRight(value, "\r\n")
	return nil
}

// String returns "***" or nothing.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return masked
}

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText returns what String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// BrokerURL is one or more server URLs, separated by commas. Printed, the
// password in it is masked; convert it to a string to dial.
type BrokerURL string

// Decode implements envconfig.Decoder. A server without a scheme gets nats://.
func (u *BrokerURL) Decode(value string) error {
	var servers []string
	var faults problems
	for s := range strings.SplitSeq(value, ",") {
		s = strings.TrimSpace(s)
		if !strings.Contains(s, "://") {
			s = "nats://" + s
		}
		if what := serverProblem(s); what != "" {
			faults = append(faults, problem{what, "write nats://host:4222, tls://host:4222, or several with commas between them"})
			continue
		}
		servers = append(servers, s)
	}
	*u = BrokerURL(strings.Join(servers, ","))
	return faults.orNil()
}

// String returns the URLs with their passwords masked.
func (u BrokerURL) String() string {
	servers := strings.Split(string(u), ",")
	for i, s := range servers {
		servers[i] = redactURL(s)
	}
	return strings.Join(servers, ",")
}

// redactURL masks the whole user part, because a lone user in a NATS URL is a
// token.
func redactURL(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	at := strings.LastIndexByte(rest, '@')
	if !ok || at < 0 {
		return s
	}
	return scheme + "://" + masked + rest[at:]
}

// serverProblem says what is wrong with one server URL, without quoting it.
func serverProblem(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "is not a URL"
	}
	switch u.Scheme {
	case "nats", "tls", "ws", "wss":
	default:
		return "has a scheme other than nats, tls, ws and wss"
	}
	if u.Hostname() == "" {
		return "has a server without a host"
	}
	if p := u.Port(); p != "" && !isPort(p, 1) {
		return "has a port that is not a number from 1 to 65535"
	}
	return ""
}

func isPort(s string, lowest uint64) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n >= lowest
}

// ByteSize is a number of bytes. It is written as a whole number with or without
// a unit: 1000000, 512MiB, 8GiB, 1GB. KiB, MiB, GiB and TiB are powers of 1024;
// kB, MB, GB and TB powers of 1000.
type ByteSize int64

// byteUnits lists the units, the largest first and binary before decimal.
func byteUnits() []byteUnit {
	return []byteUnit{
		{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9},
		{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}, {"B", 1},
	}
}

type byteUnit struct {
	name string
	size int64
}

// Decode implements envconfig.Decoder. Units are read in any case.
func (b *ByteSize) Decode(value string) error {
	number, size := strings.TrimSpace(value), int64(1)
	for _, u := range byteUnits() {
		cut := len(number) - len(u.name)
		if cut > 0 && strings.EqualFold(number[cut:], u.name) {
			number, size = strings.TrimSpace(number[:cut]), u.size
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return problems{{"is not a size", "write a whole number of bytes, or one with a unit such as 512MiB or 8GiB"}}
	}
	if int64(n) > math.MaxInt64/size {
		return problems{{"is too big a size", "the most is 8388607TiB"}}
	}
	*b = ByteSize(int64(n) * size)
	return nil
}

// String writes b with the largest unit that leaves a whole number.
func (b ByteSize) String() string {
	for _, u := range byteUnits() {
		if u.size > 1 && u.size&(u.size-1) == 0 && b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
