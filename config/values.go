package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const masked = "***"

// written writes a value as one would write it in the environment: 72h and not
// 72h0m0s. Secrets mask themselves.
func written(x any) string {
	s := fmt.Sprint(x)
	if _, ok := x.(time.Duration); !ok {
		return s
	}
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Secret is a value that never shows: printed, logged or encoded it is "***",
// or empty when it is not set.
type Secret struct{ value string } //nolint:recvcheck // only decoding needs the pointer; printing must work on values

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

// ByteSize is a number of bytes. It is written as a whole number with or without
// a unit: 1000000, 512MiB, 8GiB, 8G, 1GB. KiB, MiB, GiB and TiB are powers of 1024, and
// so are K, M, G and T; kB, MB, GB and TB powers of 1000.
type ByteSize int64 //nolint:recvcheck // only decoding needs the pointer

// byteUnits lists the units, the largest first and binary before decimal; then the
// short forms, which are only read.
func byteUnits() []byteUnit {
	return []byteUnit{
		{"TiB", 1 << 40},
		{"TB", 1e12},
		{"GiB", 1 << 30},
		{"GB", 1e9},
		{"MiB", 1 << 20},
		{"MB", 1e6},
		{"KiB", 1 << 10},
		{"kB", 1e3},
		{"B", 1},
		{"T", 1 << 40},
		{"G", 1 << 30},
		{"M", 1 << 20},
		{"K", 1 << 10},
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
		return problems{{"is too large a size", "the most is 8388607TiB"}}
	}
	*b = ByteSize(int64(n) * size)
	return nil
}

// String writes b with the largest unit that leaves a whole number.
func (b ByteSize) String() string {
	for _, u := range byteUnits() {
		if u.size > 1 && b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
