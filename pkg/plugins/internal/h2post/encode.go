package h2post

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"
)

// headerTable is as much of the peer's table of fields as is used, and as much as we
// give it.
const headerTable = 4096

// encoder makes blocks of header fields. The block of a head is kept once the peer has
// all of its fields in its table: it is the same then until something is added.
type encoder struct {
	scheme, authority string

	buf   bytes.Buffer
	hpack *hpack.Encoder
	kept  *Head
	path  bool // the kept block has the head's path
	block []byte
}

func (e *encoder) init(secure bool, authority string) {
	e.scheme, e.authority = "https", strings.TrimSuffix(authority, ":443") // as browsers name it
	if !secure {
		e.scheme, e.authority = "http", strings.TrimSuffix(authority, ":80")
	}
	e.hpack = hpack.NewEncoder(&e.buf)
}

// limit sets how large a table the peer keeps.
func (e *encoder) limit(size uint32) {
	e.kept = nil
	e.hpack.SetMaxDynamicTableSizeLimit(size)
	e.hpack.SetMaxDynamicTableSize(min(size, headerTable))
}

// encode returns the block of r's fields, until the next call.
func (e *encoder) encode(r *Request) []byte {
	e.buf.Reset()
	if r.Path != "" {
		e.write(":path", r.Path, true)
	}
	e.head(r.answer.Head, r.Path == "")
	for _, f := range r.Fields {
		e.write(f.Name, f.Value, true)
	}
	return e.length(len(r.Body))
}

// head adds the fields of h, which begin with those that HTTP/2 itself has.
func (e *encoder) head(h *Head, path bool) {
	if e.kept == h && e.path == path {
		e.buf.Write(e.block)
		return
	}
	at := e.buf.Len()
	// What does not fit as a whole would push itself out of the table.
	never := h.size+sizeOf(":authority", e.authority)+sizeOf(":path", h.path) > e.hpack.MaxDynamicTableSize()
	same := e.write(":method", http.MethodPost, never)
	same = e.write(":scheme", e.scheme, never) && same
	same = e.write(":authority", e.authority, never) && same
	if path {
		same = e.write(":path", h.path, never) && same
	}
	for _, f := range h.fields {
		same = e.write(f.Name, f.Value, never) && same
	}
	e.kept = nil
	if same {
		e.kept, e.path, e.block = h, path, append(e.block[:0], e.buf.Bytes()[at:]...)
	}
}

// write adds a field, and reports whether the peer's table stays as it is. never keeps
// the field out of it.
func (e *encoder) write(name, value string, never bool) bool {
	at := e.buf.Len()
	_ = e.hpack.WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: never})
	first := e.buf.Bytes()[at]
	added, resized := first&0xc0 == 0x40, first&0xe0 == 0x20 // RFC 7541, section 6
	return !added && !resized
}

// length adds the content-length, field 28 of the static table, without asking for a
// string of it.
func (e *encoder) length(n int) []byte {
	b := append(e.buf.AvailableBuffer(), 0x0f, 28-15, 0)
	b = strconv.AppendInt(b, int64(n), 10)
	b[2] = byte(len(b) - 3) //nolint:gosec // a number has few digits
	e.buf.Write(b)
	return e.buf.Bytes()
}

// size is that of r's fields, as the peer counts it.
func (e *encoder) size(r *Request) uint32 {
	n := r.answer.Head.size + sizeOf(":method", http.MethodPost) + sizeOf(":scheme", e.scheme) +
		sizeOf(":authority", e.authority) + sizeOf(":path", cmp.Or(r.Path, r.answer.Head.path)) + sizeOf("content-length", "1234567890")
	for _, f := range r.Fields {
		n += sizeOf(f.Name, f.Value)
	}
	return n
}

// IsPath reports whether a request can go to path, which is that of a URL with its query.
func IsPath(path string) bool {
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// valid reports whether what r brings may be sent: a path comes from a device.
func (r *Request) valid() bool {
	if !IsPath(r.Path) {
		return false
	}
	for _, f := range r.Fields {
		if !httpguts.ValidHeaderFieldValue(f.Value) {
			return false
		}
	}
	return true
}
