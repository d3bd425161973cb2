package app

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/publisher"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		code int
	}{
		"none":          {nil, 0},
		"anything":      {errors.New("x"), 1},
		"usage":         {Usage(errors.New("x")), 2},
		"data":          {Data(errors.New("x")), 65},
		"unavailable":   {Unavailable(errors.New("x")), 69},
		"no ack":        {publisher.ErrUnavailable, 69},
		"no stream":     {publisher.ErrNoStream, 69},
		"stream full":   {publisher.ErrFull, 69},
		"locked":        {&embedded.LockedError{Dir: "d", PID: 1}, 73},
		"unfinished":    {consumer.ErrUnfinished, 75},
		"configuration": {&config.InvalidError{}, 78},
		"handlers":      {worker.ErrHandlers, 78},
		"traces":        {worker.ErrTraces, 78},
	}
	for name, test := range tests {
		if got := ExitCode(test.err); got != test.code {
			t.Errorf("%s: exit code %d, want %d", name, got, test.code)
		}
		if test.err == nil {
			continue
		}
		if got := ExitCode(fmt.Errorf("wrapped: %w", errors.Join(errors.New("beside"), test.err))); got != test.code {
			t.Errorf("%s, wrapped: exit code %d, want %d", name, got, test.code)
		}
	}
}
