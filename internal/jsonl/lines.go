package jsonl

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrTooLong is wrapped by the error for a line that is too long, after which the
// next one can be read.
var ErrTooLong = errors.New("line is too long")

// Lines reads lines of a bounded length.
type Lines struct {
	in    *bufio.Reader
	limit int
	// N is the number of the last line that was read, counted from 1.
	N int
}

// NewLines reads lines of at most limit bytes.
func NewLines(in io.Reader, limit int) *Lines {
	return &Lines{in: bufio.NewReaderSize(in, 64<<10), limit: limit}
}

// Next returns the next line with its line break, and io.EOF after the last.
func (l *Lines) Next() ([]byte, error) {
	l.N++
	var line []byte
	for {
		part, err := l.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(bytes.TrimRight(line, "\r\n")) > l.limit:
			return nil, l.skip(err)
		case err == nil, errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// skip leaves out the rest of a line that is too long. err is what reading said.
func (l *Lines) skip(err error) error {
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.in.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("%w: more than %d bytes", ErrTooLong, l.limit)
}
