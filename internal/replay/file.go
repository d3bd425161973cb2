package replay

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// partialSuffix is added to the name of a file that is not complete.
const partialSuffix = ".partial"

// syncEvery is how many bytes are written before the disk is told to take them, so
// that there are few to wait for at the end.
const syncEvery = 16 << 20

// File is an output file that has its name only once it is complete, and is never
// overwritten. Until then its name ends with .partial.
type File struct {
	*os.File

	name    string
	behind  int        // bytes since the last sync began
	syncing chan error // has room for the outcome; nil when no sync runs
}

// CreateFile begins the file name, or goes on with what an interrupted replay has
// left of it: what is beyond offset is cut off. Without resume there must be none.
func CreateFile(name string, resume bool, offset int64) (*File, error) {
	if _, err := os.Lstat(name); err == nil {
		return nil, fmt.Errorf("%s is there already and is not overwritten: give another name, or remove it", name)
	}
	flags := os.O_WRONLY | os.O_CREATE
	if !resume {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(name+partialSuffix, flags, 0o600) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s%s is left of a replay that did not end: continue it with its --resume FILE, or remove it", name, partialSuffix)
	}
	if err != nil {
		return nil, fmt.Errorf("creating the output: %w", err)
	}
	if err := startAt(f, offset); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{File: f, name: name}, nil
}

// startAt cuts f off at offset and puts the next write there.
func startAt(f *os.File, offset int64) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size < offset {
		return fmt.Errorf("%s has %d bytes and had %d when the replay was interrupted: remove it and the --resume FILE, and begin again", f.Name(), size, offset)
	}
	if err == nil {
		err = f.Truncate(offset)
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("continuing with %s: %w", f.Name(), err)
	}
	return nil
}

// Partial is the name of the file while it is not complete.
func (f *File) Partial() string { return f.name + partialSuffix }

// Write writes b, and lets the disk begin now and then.
func (f *File) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	if f.behind += n; err != nil || f.behind < syncEvery {
		return n, err
	}
	if err := f.synced(); err != nil {
		return n, err
	}
	f.behind, f.syncing = 0, make(chan error, 1)
	go func(done chan<- error) { done <- f.File.Sync() }(f.syncing)
	return n, nil
}

// Sync brings what is written to the disk.
func (f *File) Sync() error { return errors.Join(f.synced(), f.File.Sync()) }

// synced waits for the sync that runs. Its error must not be lost: the kernel tells it
// once.
func (f *File) synced() error {
	if f.syncing == nil {
		return nil
	}
	defer func() { f.syncing = nil }()
	return <-f.syncing
}

// Complete gives the file its name and closes it.
func (f *File) Complete() error {
	// A link, because a rename would overwrite what has come up there meanwhile.
	err := errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Partial(), f.name)
	}
	if err == nil {
		err = os.Remove(f.Partial())
	}
	if err != nil {
		return fmt.Errorf("completing %s: %w; the receipts are in %s", f.name, err, f.Partial())
	}
	return nil
}
