// Package jsonl reads JSON from files and pipes: a document per line, or documents over
// several lines, bounded in memory. It refuses to know what the documents mean.
package jsonl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Document is what an input holds between two borders: a receipt, or what should be
// one. Line is where it begins, counted from 1.
type Document struct {
	Data []byte
	Line int
}

// Reader cuts an input into receipts: each line is one, unless it leaves
// brackets open; then the lines up to the closing bracket are one. It holds no
// more than one receipt.
type Reader struct {
	lines *Lines
	ahead []Document
	// oneLine says that an open bracket turned out to be a fault of its line.
	oneLine bool
	ended   bool
}

// NewReader cuts in into receipts of at most limit bytes.
func NewReader(in io.Reader, limit int) *Reader {
	return &Reader{lines: NewLines(in, limit)}
}

// Next returns the next receipt, without the white space around it. After any
// error but ErrTooLong it returns io.EOF.
func (r *Reader) Next() (Document, error) {
	for !r.ended {
		p, err := r.nextLine()
		if err == nil && openBrackets(p.Data) > 0 && !r.oneLine {
			p, err = r.gather(p)
		}
		r.ended = err != nil && !errors.Is(err, ErrTooLong)
		p.Data = bytes.Trim(p.Data, " \t\r\n")
		if err != nil || len(p.Data) > 0 {
			return p, err
		}
	}
	return Document{}, io.EOF
}

// gather adds to a line that leaves brackets open what follows up to the closing
// one. If a new receipt begins where the first cannot go on, the first was a
// faulty line of JSON Lines.
func (r *Reader) gather(p Document) (Document, error) {
	open := openBrackets(p.Data)
	for open > 0 {
		line, err := r.nextLine()
		switch {
		case errors.Is(err, io.EOF):
			return p, nil
		case err != nil:
			return p, err
		case len(p.Data)+len(line.Data) > r.lines.limit:
			return p, fmt.Errorf("a receipt that begins here is larger than %d bytes (PUSHWORKER_MAX_RECEIPT_BYTES); the input is not read on", r.lines.limit)
		case (line.Data[0] == '{' || line.Data[0] == '[') && !mayContinue(p.Data, line.Data):
			r.oneLine = true
			r.ahead = append(r.ahead, line)
			return p, nil
		}
		p.Data = append(p.Data, line.Data...)
		open += openBrackets(line.Data)
	}
	return p, nil
}

// mayContinue reports whether more is the continuation of start.
func mayContinue(start, more []byte) bool {
	in := json.NewDecoder(io.MultiReader(bytes.NewReader(start), bytes.NewReader(more)))
	var value json.RawMessage
	_, broken := errors.AsType[*json.SyntaxError](in.Decode(&value))
	return !broken
}

// nextLine returns the next line with its line break.
func (r *Reader) nextLine() (Document, error) {
	if len(r.ahead) > 0 {
		p := r.ahead[0]
		r.ahead = r.ahead[1:]
		return p, nil
	}
	line, err := r.lines.Next()
	if errors.Is(err, ErrTooLong) {
		err = fmt.Errorf("%w for a receipt: more than %d bytes (PUSHWORKER_MAX_RECEIPT_BYTES)", ErrTooLong, r.lines.limit)
	}
	return Document{line, r.lines.N}, err
}

// openBrackets counts the brackets that line leaves open, outside of strings. No
// string goes on in the next line, because JSON has no line breaks in strings.
func openBrackets(line []byte) int {
	open, inString := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
		case inString:
		case c == '{' || c == '[':
			open++
		case c == '}' || c == ']':
			open--
		}
	}
	return open
}
