package content

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

const (
	// maxRunes is how many runes of the plain text a push carries; an ellipsis
	// follows when there were more.
	maxRunes = 128
	// Ellipsis stands where a text was cut.
	Ellipsis = "…"
	// unnamed is said of a thing without a name.
	unnamed = "?']"
	// maxPlain is after how many bytes the making of plain text ends. It is far more
	// than maxRunes need, because a link may turn out to be its own text.
	maxPlain = 4096
)

// plainText is the document as people read it without formatting: emphasis in the
// way of typewriters, things that are no text by their kind and name. It is cut.
// spoken says that there are words of people's in it.
func (d *document) plainText() (text string, spoken bool) {
	if len(d.spans) == 0 {
		text = d.cut(strings.TrimSpace(d.text), false)
		return text, text != ""
	}
	p := plainWriter{d: d}
	d.walk(&p)
	return d.cut(string(bytes.TrimSpace(p.out)), p.full()), p.spoken
}

// cut returns the beginning of s and an ellipsis, or s if it is short enough. partial
// says that more was left out, and that the last character may be half a one.
func (d *document) cut(s string, partial bool) string {
	switch {
	case !d.whole:
		return cutRunes(s)
	case len(s) <= maxRunes && !partial:
		return s
	}
	end := 0
	it := graphemes.FromString(s)
	for range maxCharacters {
		if !it.Next() {
			return s
		}
		if partial && it.End() == len(s) {
			return s[:end] + Ellipsis
		}
		end = it.End()
	}
	if end == len(s) {
		return s
	}
	return s[:end] + Ellipsis
}

// cutRunes returns the first maxRunes runes of s and an ellipsis, or s if it has no
// more.
func cutRunes(s string) string {
	if len(s) <= maxRunes {
		return s
	}
	n := 0
	for i := range s {
		if n == maxRunes {
			return s[:i] + Ellipsis
		}
		n++
	}
	return s
}

// cutBytes returns the beginning of s, at most n bytes, without splitting a rune.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n = max(n, 0); n > 0 && !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n]
}

// plainWriter is the visitor that writes plain text.
type plainWriter struct {
	d      *document
	out    []byte
	spoken bool // out has words, or names
}

func (p *plainWriter) full() bool { return len(p.out) >= maxPlain }

func (p *plainWriter) write(s string) {
	p.out = append(p.out, cutBytes(s, maxPlain-len(p.out))...)
}

func (p *plainWriter) text(from, to int) {
	s := p.d.slice(from, to)
	if len(p.out) == 0 {
		s = strings.TrimLeft(s, " \t\r\n")
	}
	p.spoken = p.spoken || strings.TrimSpace(s) != ""
	p.write(s)
}

func (p *plainWriter) open(s *span) bool {
	switch s.tp {
	case spanBreak:
		p.write("\n")
	case spanQuote:
	case spanCall:
		p.spoken = true
		p.write("[CALL]")
	case spanImage, spanFile, spanAudio, spanVideo:
		p.thing(s)
	default:
		s.mark = len(p.out)
		p.write(p.before(s))
		return true
	}
	return false
}

func (p *plainWriter) close(s *span) {
	if s.tp == spanLink {
		p.closeLink(s)
		return
	}
	p.write(emphasis(s.tp))
}

func (p *plainWriter) before(s *span) string {
	if s.tp != spanLink {
		return emphasis(s.tp)
	}
	if p.d.entity(s).links {
		return "["
	}
	return ""
}

// closeLink writes where the link goes, unless it is what the text says.
func (p *plainWriter) closeLink(s *span) {
	e := p.d.entity(s)
	if !e.links {
		return
	}
	text := p.out[min(s.mark+1, len(p.out)):]
	if string(text) == e.url || p.full() && strings.HasPrefix(e.url, string(text)) {
		p.out = append(p.out[:s.mark], text...)
		return
	}
	p.write("](")
	p.write(e.url)
	p.write(")")
}

// thing writes the kind and the name of what is no text.
func (p *plainWriter) thing(s *span) {
	p.write(kindOf(s.tp))
	name := p.d.entity(s).name
	if name == "" {
		p.write(unnamed)
		return
	}
	p.spoken = true
	p.write(name)
	p.write("']")
}

func kindOf(tp string) string {
	switch tp {
	case spanImage:
		return "[IMAGE '"
	case spanFile:
		return "[FILE '"
	case spanAudio:
		return "[AUDIO '"
	}
	return "[VIDEO '"
}

// emphasis is what stands on either side of a text in that style.
func emphasis(tp string) string {
	switch tp {
	case spanStrong:
		return "*"
	case spanEmph:
		return "_"
	case spanDeleted:
		return "~"
	case spanCode:
		return "`"
	}
	return ""
}
