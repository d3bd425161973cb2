package device

import (
	"context"
	"errors"
	"iter"
)

// ErrConflict is what [Store.Write] returns when the key's revision is another.
var ErrConflict = errors.New("the key was changed by another process")

// Entry is what a [Store] has under a key.
type Entry struct {
	// Value is nil if there is none, never empty.
	Value []byte
	// Revision identifies the last write, deletions included. Later writes have
	// greater ones. It is 0 if there was none, or a deletion long ago.
	Revision uint64
}

// Store keeps values under keys of letters, digits, dots, - and _. Its methods are
// safe for concurrent use by several processes.
type Store interface {
	// Read returns the entries of keys, in their order. Up to 64 keys are read at
	// one moment. A read may lag behind the writes; Write does not.
	Read(ctx context.Context, keys []string) ([]Entry, error)
	// Write sets the value of key, or deletes it if value is nil, and returns the new
	// revision. It does so only if the key's revision is still the given one, else it
	// returns [ErrConflict].
	Write(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// Scan yields all keys that begin with prefix, a whole number of tokens with dots
	// between, and have a value, oldest write first, and stops after an error. A key
	// that is written meanwhile is yielded again, or only, with its new value.
	Scan(ctx context.Context, prefix string) iter.Seq2[Keyed, error]
}

// Keyed is an entry with its key.
type Keyed struct {
	Key string
	Entry
}
