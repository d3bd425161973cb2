package device

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Memory is a [Store] in memory. The zero value is empty and ready.
type Memory struct {
	mu       sync.Mutex
	entries  map[string]Entry
	revision uint64
}

var _ Store = (*Memory)(nil)

// Read implements [Store].
func (m *Memory) Read(_ context.Context, keys []string) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entries := make([]Entry, len(keys))
	for i, key := range keys {
		entries[i] = m.entries[key]
	}
	return entries, nil
}

// Write implements [Store].
func (m *Memory) Write(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[key].Revision != revision {
		return 0, ErrConflict
	}
	if m.entries == nil {
		m.entries = make(map[string]Entry)
	}
	m.revision++
	m.entries[key] = Entry{Value: slices.Clone(value), Revision: m.revision}
	return m.revision, nil
}

// Scan implements [Store].
func (m *Memory) Scan(_ context.Context, prefix string) iter.Seq2[Keyed, error] {
	return func(yield func(Keyed, error) bool) {
		m.mu.Lock()
		entries := maps.Clone(m.entries)
		m.mu.Unlock()
		inOrder := func(a, b string) int { return cmp.Compare(entries[a].Revision, entries[b].Revision) }
		for _, key := range slices.SortedFunc(maps.Keys(entries), inOrder) {
			if e := entries[key]; strings.HasPrefix(key, prefix) && e.Value != nil && !yield(Keyed{key, e}, nil) {
				return
			}
		}
	}
}
