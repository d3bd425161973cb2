package publisher

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// A frame of a queue's file is:
//
//	4 bytes   mark, where a reader finds on after damage
//	4 bytes   length of what follows the checksum, big endian
//	4 bytes   CRC-32C of that
//	1 byte    'P' for a put, 'S' for a receipt that is settled
//	8 bytes   its number, big endian
//
// and for a put:
//
//	8 bytes   when it was put, in nanoseconds since 1970
//	4 bytes   length of the head
//	…         head: the JSON of [head]
//	…         the receipt
const (
	mark      = "\xf7pw1"
	frameHead = len(mark) + 8
	numbered  = 1 + 8
	putHead   = numbered + 8 + 4
)

// head is what a message has beside its data.
type head struct {
	Subject string              `json:"subject"`
	Header  map[string][]string `json:"header"`
}

// content is what a queue's file was found to have.
type content struct {
	puts    []*entry // not settled, in the order of the Puts; with msg, number and since
	last    uint64   // the highest number
	damaged int64    // bytes that are no frame
}

// appendPut appends the frame of a put.
func appendPut(dst []byte, e *entry) []byte {
	text, _ := json.Marshal(head{e.msg.Subject, e.msg.Header}) // strings always marshal
	start := len(dst)
	dst = append(append(dst, mark...), make([]byte, 8)...)
	dst = binary.BigEndian.AppendUint64(append(dst, 'P'), e.number)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.since.UnixNano()))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(text))) //nolint:gosec // a header
	return sealed(append(append(dst, text...), e.msg.Data...), start)
}

// appendSettled appends the frame of a receipt that is settled.
func appendSettled(dst []byte, number uint64) []byte {
	start := len(dst)
	dst = append(append(dst, mark...), make([]byte, 8)...)
	return sealed(binary.BigEndian.AppendUint64(append(dst, 'S'), number), start)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli) //nolint:gochecknoglobals // a constant table

// sealed fills in length and checksum of the frame that begins at start and ends dst.
func sealed(dst []byte, start int) []byte {
	body := dst[start+frameHead:]
	binary.BigEndian.PutUint32(dst[start+len(mark):], uint32(len(body))) //nolint:gosec // a receipt
	binary.BigEndian.PutUint32(dst[start+len(mark)+4:], crc32.Checksum(body, castagnoli))
	return dst
}

// contentOf reads a queue's file, whatever is in it.
func contentOf(data []byte) (c content) {
	puts := map[uint64]*entry{}
	for len(data) > 0 {
		body, rest, ok := nextFrame(data)
		if ok {
			ok = c.take(body, puts)
		}
		if !ok {
			at := bytes.Index(data[1:], []byte(mark)) + 1
			if at == 0 {
				at = len(data)
			}
			c.damaged += int64(at)
			rest = data[at:]
		}
		data = rest
	}
	for _, e := range puts {
		c.puts = append(c.puts, e)
	}
	slices.SortFunc(c.puts, func(a, b *entry) int { return cmp.Compare(a.number, b.number) })
	return c
}

// nextFrame takes the frame with which data begins.
func nextFrame(data []byte) (body, rest []byte, ok bool) {
	if len(data) < frameHead || !bytes.HasPrefix(data, []byte(mark)) {
		return nil, nil, false
	}
	size := uint64(binary.BigEndian.Uint32(data[len(mark):]))
	sum := binary.BigEndian.Uint32(data[len(mark)+4:])
	data = data[frameHead:]
	if size < numbered || size > uint64(len(data)) || crc32.Checksum(data[:size], castagnoli) != sum {
		return nil, nil, false
	}
	return data[:size], data[size:], true
}

// take reads the body of a frame.
func (c *content) take(body []byte, puts map[uint64]*entry) bool {
	number := binary.BigEndian.Uint64(body[1:])
	switch {
	case body[0] == 'S':
		delete(puts, number)
	case body[0] == 'P' && len(body) >= putHead:
		at := int64(binary.BigEndian.Uint64(body[numbered:])) //nolint:gosec // as it was written
		size := int64(binary.BigEndian.Uint32(body[numbered+8:]))
		var h head
		if size > int64(len(body)-putHead) || json.Unmarshal(body[putHead:putHead+size], &h) != nil {
			return false
		}
		puts[number] = &entry{
			number: number, since: time.Unix(0, at),
			msg: &nats.Msg{Subject: strings.Clone(h.Subject), Header: h.Header, Data: bytes.Clone(body[putHead+size:])},
		}
	default:
		return false
	}
	c.last = max(c.last, number)
	return true
}
