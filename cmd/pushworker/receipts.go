package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// errTooLong is wrapped by the error for a line that is too long, after which the
// next one can be read.
var errTooLong = errors.New("line is too long for a receipt")

// piece is what an input holds between two borders: a receipt, or what should be
// one. line is where it begins, counted from 1.
type piece struct {
	data []byte
	line int
}

// receiptReader cuts an input into receipts: each line is one, unless it leaves
// brackets open; then the lines up to the closing bracket are one. It holds no
// more than one receipt.
type receiptReader struct {
	in    *bufio.Reader
	limit int // bytes of a receipt
	line  int // of the last line read
	ahead []piece
	// oneLine says that an open bracket turned out to be a fault of its line.
	oneLine bool
	ended   bool
}

func newReceiptReader(in io.Reader, limit int) *receiptReader {
	return &receiptReader{in: bufio.NewReaderSize(in, 64<<10), limit: limit}
}

// next returns the next receipt, without the white space around it. After any
// error but errTooLong it returns io.EOF.
func (r *receiptReader) next() (piece, error) {
	for !r.ended {
		p, err := r.nextLine()
		if err == nil && openBrackets(p.data) > 0 && !r.oneLine {
			p, err = r.gather(p)
		}
		r.ended = err != nil && !errors.Is(err, errTooLong)
		p.data = bytes.Trim(p.data, " \t\r\n")
		if err != nil || len(p.data) > 0 {
			return p, err
		}
	}
	return piece{}, io.EOF
}

// gather adds to a line that leaves brackets open what follows up to the closing
// one. If a new receipt begins where the first cannot go on, the first was a
// faulty line of JSON Lines.
func (r *receiptReader) gather(p piece) (piece, error) {
	open := openBrackets(p.data)
	for open > 0 {
		line, err := r.nextLine()
		switch {
		case errors.Is(err, io.EOF):
			return p, nil
		case err != nil:
			return p, err
		case len(p.data)+len(line.data) > r.limit:
			return p, fmt.Errorf("a receipt that begins here is larger than %d bytes (PUSHWORKER_MAX_RECEIPT_BYTES); the input is not read on", r.limit)
		case (line.data[0] == '{' || line.data[0] == '[') && !mayContinue(p.data, line.data):
			r.oneLine = true
			r.ahead = append(r.ahead, line)
			return p, nil
		}
		p.data = append(p.data, line.data...)
		open += openBrackets(line.data)
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
func (r *receiptReader) nextLine() (piece, error) {
	if len(r.ahead) > 0 {
		p := r.ahead[0]
		r.ahead = r.ahead[1:]
		return p, nil
	}
	r.line++
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(bytes.TrimRight(line, "\r\n")) > r.limit:
			return piece{line: r.line}, r.skip(err)
		case err == nil, errors.Is(err, io.EOF) && len(line) > 0:
			return piece{line, r.line}, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return piece{line: r.line}, err
		}
	}
}

// skip leaves out the rest of a line that is too long. err is what reading said.
func (r *receiptReader) skip(err error) error {
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.in.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("%w: more than %d bytes (PUSHWORKER_MAX_RECEIPT_BYTES)", errTooLong, r.limit)
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
