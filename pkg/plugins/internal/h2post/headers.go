package h2post

import (
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// maxHeaders is as many bytes of header fields as an answer may have, as HTTP/2
	// counts them, and as long as a block may be that has them compressed.
	maxHeaders = 16 << 10
)

// header is a block as far as it is decoded.
type header struct {
	fields  []hpack.HeaderField
	size    uint32
	status  int
	length  int64
	stated  bool // there was a status, which may be 000
	regular bool // there was a field that is none of HTTP/2 itself
	bad     bool
}

// fragment takes a HEADERS or CONTINUATION frame.
func (cn *conn) fragment(h http2.FrameHeader, p []byte) error {
	if h.StreamID == 0 {
		return wrong(http2.ErrCodeProtocol, "HEADERS without a stream")
	}
	if h.Type == http2.FrameHeaders {
		var ok bool
		if p, ok = unpadded(h, p); !ok {
			return wrong(http2.ErrCodeProtocol, "HEADERS of padding only")
		}
		cn.in.block, cn.in.stream, cn.in.ends = cn.in.block[:0], h.StreamID, h.Flags.Has(http2.FlagHeadersEndStream)
	}
	if len(cn.in.block)+len(p) > maxHeaders {
		return wrong(http2.ErrCodeEnhanceYourCalm, "too long a header")
	}
	if h.Flags.Has(http2.FlagHeadersEndHeaders) && len(cn.in.block) == 0 {
		return cn.headersEnd(p)
	}
	cn.in.block = append(cn.in.block, p...)
	if h.Flags.Has(http2.FlagHeadersEndHeaders) {
		return cn.headersEnd(cn.in.block)
	}
	cn.client.mu.Lock()
	defer cn.client.unlock()
	return cn.worthless()
}

// unpadded cuts off what a HEADERS frame has beside its fragment.
func unpadded(h http2.FrameHeader, p []byte) ([]byte, bool) {
	before, after := 0, 0
	if h.Flags.Has(http2.FlagHeadersPadded) {
		if len(p) == 0 {
			return nil, false
		}
		before, after = 1, int(p[0])
	}
	if h.Flags.Has(http2.FlagHeadersPriority) {
		before += 5
	}
	if before+after > len(p) {
		return nil, false
	}
	return p[before : len(p)-after], true
}

// headersEnd decodes a block, whatever stream it is for: the table must be as the
// peer's is.
func (cn *conn) headersEnd(block []byte) error {
	in := &cn.in
	in.header = header{fields: in.header.fields[:0], length: -1}
	in.decoder.SetEmitEnabled(true)
	if _, err := in.decoder.Write(block); err != nil {
		return wrong(http2.ErrCodeCompression, err.Error())
	}
	if err := in.decoder.Close(); err != nil {
		return wrong(http2.ErrCodeCompression, err.Error())
	}
	cn.client.mu.Lock()
	defer cn.client.unlock()
	r, err := cn.open(in.stream)
	if r == nil {
		if bad := cn.worthless(); bad != nil {
			return bad
		}
		return cn.late(in.stream, err)
	}
	return cn.headersOf(r)
}

// headersOf takes the headers of an answer, or what comes before or after it.
func (cn *conn) headersOf(r *Request) error {
	h, ends := &cn.in.header, cn.in.ends
	switch {
	case r.answer.Status != 0: // trailers
		if h.bad || h.stated || !ends {
			cn.malformed(r)
			return nil
		}
	case h.bad || h.status < 100 || h.status == 101 || h.status < 200 && ends:
		cn.malformed(r)
		return nil
	case h.status < 200: // interim
		return cn.worthless()
	default:
		r.answer.Status, r.flight.length = h.status, h.length
		r.answer.fields = append(r.answer.fields, h.fields...)
	}
	if ends {
		cn.complete(r)
	}
	return nil
}

// field takes a field from the decoder.
func (r *reading) field(f hpack.HeaderField) {
	h := &r.header
	h.size += f.Size()
	switch {
	case h.size > maxHeaders || !httpguts.ValidHeaderFieldValue(f.Value):
		h.bad = true
	case f.Name == ":status":
		h.bad = h.bad || h.regular || h.stated || len(f.Value) != 3
		h.status, h.stated = number(f.Value), true
	case !httpguts.ValidHeaderFieldName(f.Name) || strings.ToLower(f.Name) != f.Name: // pseudo-headers, too
		h.bad = true
	default:
		h.regular = true
		if f.Name == "content-length" {
			length := int64(number(f.Value))
			h.bad = h.bad || length < 0 || h.length >= 0 && length != h.length
			h.length = length
		}
		h.fields = append(h.fields, f)
	}
	if h.bad {
		r.decoder.SetEmitEnabled(false)
	}
}

// number reads digits; -1 if there is anything else.
func number(s string) int {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return -1
	}
	return int(n)
}
