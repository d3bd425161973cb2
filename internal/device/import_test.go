package device_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

func importLine(user, id int) string {
	return fmt.Sprintf(`{"user":"%d","id":"d%d","provider":"fcm","platform":"web","token":"t%d-%d"}`, user, id, user, id)
}

// A user's devices are registered in the order of their lines, whoever else's are between.
func TestImportKeepsAUsersOrder(t *testing.T) {
	t.Parallel()
	var input strings.Builder
	for id := range 20 {
		for user := 1; user <= 100; user++ {
			fmt.Fprintln(&input, importLine(user, id))
		}
	}
	input.WriteString("\n{}\n" + strings.Repeat("x", device.MaxLine+1) + "\n" + importLine(1, 20))
	var mu sync.Mutex
	next := make(map[push.Uid]int)
	var invalid []int
	i := &device.Import{
		Put: func(_ context.Context, d push.Device) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			if want := fmt.Sprintf("d%d", next[d.User]); d.ID != want {
				t.Errorf("user %d: %s is registered where %s is next", d.User, d.ID, want)
			}
			next[d.User]++
			return d.ID != "d0", nil
		},
		Invalid: func(line int, _ error) { invalid = append(invalid, line) },
	}
	if err := i.Run(t.Context(), strings.NewReader(input.String())); err != nil {
		t.Fatal(err)
	}
	if i.Lines != 2003 || i.Faults != 2 || i.Stored() != 1901 || i.Kept() != 100 || len(invalid) != 2 || invalid[0] != 2002 || invalid[1] != 2003 {
		t.Errorf("%d lines, %d faults at %v, %d stored, %d kept", i.Lines, i.Faults, invalid, i.Stored(), i.Kept())
	}
}

// The error names the line at which the directory failed.
func TestImportNamesTheLineThatFailed(t *testing.T) {
	t.Parallel()
	broken := errors.New("no answer")
	i := &device.Import{Put: func(_ context.Context, d push.Device) (bool, error) {
		if d.ID == "d1" {
			return false, broken
		}
		return true, nil
	}}
	err := i.Run(t.Context(), strings.NewReader(importLine(1, 0)+"\n"+importLine(1, 1)+"\n"+importLine(1, 2)))
	failed, ok := errors.AsType[*device.ImportError](err)
	if !ok || failed.Line != 2 || !errors.Is(err, broken) || i.Stored() != 1 {
		t.Errorf("%v, %d stored", err, i.Stored())
	}
}

// An input whose reading is called off has not come to its end, nor is that a fault of a
// line, although the context may not have ended yet.
func TestImportIsCalledOff(t *testing.T) {
	t.Parallel()
	i := &device.Import{
		Put:     func(context.Context, push.Device) (bool, error) { return true, nil },
		Invalid: func(line int, err error) { t.Errorf("line %d: %v", line, err) },
	}
	calledOff := fmt.Errorf("interrupted: %w", context.Canceled)
	if err := i.Run(t.Context(), iotest.ErrReader(calledOff)); !errors.Is(err, context.Canceled) || i.Faults != 0 {
		t.Errorf("Run = %v with %d faults, want that it was called off", err, i.Faults)
	}
}
