package credential

import (
	"fmt"
	"os"
)

// Key is the secret that a [Fetch] is given: Text, or what is in File.
type Key struct {
	Text []byte
	// File is the path of a file, which is read again when it changes; empty for Text.
	File string
	// Name is the key of the configuration that names File, and Is what belongs there.
	// Errors say both.
	Name, Is string
}

// read reads the file, and says which one that was.
func (k *Key) read() ([]byte, os.FileInfo, error) {
	info, err := os.Stat(k.File) // first, so that a later change is seen as one
	if err != nil {
		return nil, nil, k.missing(err)
	}
	text, err := os.ReadFile(k.File) // which file it is, the operator says
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: make it readable for this process: %w", k.Name, err)
	}
	return text, info, nil
}

func (k *Key) missing(err error) error {
	return fmt.Errorf("read %s: put %s there: %w", k.Name, k.Is, err)
}
