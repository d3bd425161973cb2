package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Checkpoint is what a file remembers of a replay, so that another process goes on
// with it.
type Checkpoint struct {
	// Query is what was asked for. Another query is another replay.
	Query map[string]string `json:"query"`
	// Pace is how fast it went. It goes on so unless told otherwise.
	Pace map[string]string `json:"pace,omitempty"`
	// Last is the last sequence of the stretch.
	Last uint64 `json:"last"`
	// Done says that the replay is complete.
	Done     bool     `json:"done"`
	Position Position `json:"position"`
	Tally    Tally    `json:"tally"`
}

// LoadCheckpoint reads a checkpoint. There need be none yet: then ok is false.
func LoadCheckpoint(name string) (c Checkpoint, ok bool, err error) {
	text, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err == nil && c.Position.Next == 0 {
		err = errors.New("it is not the file of a replay")
	}
	if err != nil {
		return c, false, fmt.Errorf("reading %s: %w: give the file of an interrupted replay, or a name that is free", name, err)
	}
	return c, true, nil
}

// Save replaces the file as a whole: a crash leaves the old one or the new one.
func (c Checkpoint) Save(name string) error {
	text, err := json.Marshal(c)
	if err == nil {
		err = replace(name, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("keeping the position in %s: %w", name, err)
	}
	return nil
}

func replace(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
