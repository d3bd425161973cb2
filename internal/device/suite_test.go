package device_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/device/devicetest"
)

func TestDirectoryInMemory(t *testing.T) {
	t.Parallel()
	devicetest.Run(t, func(testing.TB) devicetest.Open {
		s := &toldStore{}
		return func(_ testing.TB, onGone func(device.Event)) devicetest.Directory {
			d := device.New(s, device.Options{OnGone: onGone, Displace: true})
			s.tell(d)
			return d
		}
	})
}

// TestMirrorInMemory: a directory that knows everybody keeps the same promises.
func TestMirrorInMemory(t *testing.T) {
	t.Parallel()
	devicetest.Run(t, func(testing.TB) devicetest.Open {
		s := &toldStore{}
		return func(tb testing.TB, onGone func(device.Event)) devicetest.Directory {
			tb.Helper()
			d := device.New(s, device.Options{OnGone: onGone, Displace: true, Mirror: true})
			s.tell(d)
			for e, err := range s.Scan(tb.Context(), device.UserPrefix) {
				if err != nil {
					tb.Fatal(err)
				}
				d.Learn(e)
			}
			d.Watched(true)
			return d
		}
	})
}

// toldStore tells directories of what is written, as a watch does.
type toldStore struct {
	device.Memory

	mu   sync.Mutex
	dirs []*device.Directory
}

func (s *toldStore) tell(d *device.Directory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirs = append(s.dirs, d)
}

func (s *toldStore) Write(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	revision, err := s.Memory.Write(ctx, key, value, revision)
	s.mu.Lock()
	dirs := slices.Clone(s.dirs)
	s.mu.Unlock()
	for _, d := range dirs {
		if err == nil {
			d.Learn(device.Keyed{Key: key, Entry: device.Entry{Value: value, Revision: revision}})
		}
	}
	return revision, err
}
