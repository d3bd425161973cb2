package deadletter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/pushworker/pushworker/internal/jsonl"
)

// maxListLine bounds a line of a list of letters.
const maxListLine = 1 << 20

var errNoSeq = errors.New("want a line of `pushworker deadletter ls -o jsonl`, or a SEQ")

// ParseSeq reads the sequence of a letter.
func ParseSeq(text string) (uint64, error) {
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil || seq == 0 {
		return 0, fmt.Errorf("%q is not a SEQ of `pushworker deadletter ls`", text)
	}
	return seq, nil
}

// ReadSeqs reads the sequences in a list of letters: each line is a sequence, or an
// object that has one as seq. The error begins with the number of the line.
func ReadSeqs(list io.Reader) (seqs []uint64, err error) {
	lines := jsonl.NewLines(list, maxListLine)
	for {
		line, err := lines.Next()
		switch line = bytes.TrimSpace(line); {
		case errors.Is(err, io.EOF):
			return seqs, nil
		case err != nil:
			return nil, fmt.Errorf("%d: %w", lines.N, err)
		case len(line) == 0:
			continue
		}
		seq := seqOf(line)
		if seq == 0 {
			return nil, fmt.Errorf("%d: %w", lines.N, errNoSeq)
		}
		seqs = append(seqs, seq)
	}
}

// seqOf is the sequence that a line names; 0 if none.
func seqOf(line []byte) uint64 {
	if seq, err := strconv.ParseUint(string(line), 10, 64); err == nil {
		return seq
	}
	var letter struct {
		Seq uint64 `json:"seq"`
	}
	if json.Unmarshal(line, &letter) != nil {
		return 0
	}
	return letter.Seq
}
