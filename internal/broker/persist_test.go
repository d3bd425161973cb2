package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
)

// few is what a cluster answers that has fewer nodes than a stream shall have replicas.
func few() error {
	return fmt.Errorf("provisioning: %w", &jetstream.APIError{Code: 400, ErrorCode: 10005, Description: "no suitable peers for placement"})
}

func TestPersist(t *testing.T) {
	t.Parallel()
	silent, refused := fmt.Errorf("no leader (%w)", broker.ErrSilent), errors.New("refused")
	held := &jetstream.APIError{Code: 503, ErrorCode: 10023, Description: "insufficient resources"}
	const hour = 1800 // rounds
	for name, c := range map[string]struct {
		answers []error // the last one is repeated
		limit   time.Duration
		want    error
		took    time.Duration
	}{
		"at once":                          {answers: []error{nil}},
		"an error that stays":              {answers: []error{refused}, want: refused},
		"an error that stays, later":       {answers: []error{silent, refused}, want: refused, took: 2 * time.Second},
		"a node that joins late":           {answers: []error{few(), few(), nil}, took: 4 * time.Second},
		"a durable whose stream is down":   {answers: []error{held, nil}, took: 2 * time.Second},
		"a node that never joins":          {answers: []error{few()}, want: few(), took: broker.Joining},
		"a leader that comes in an hour":   {answers: append(repeated(silent, hour), nil), took: time.Hour},
		"a leader lost in between":         {answers: append(append(repeated(few(), 50), silent), few()), want: few(), took: broker.Joining + 102*time.Second},
		"a node that never joins, limited": {answers: []error{few()}, limit: time.Hour, want: few(), took: time.Hour},
		"a leader that never comes":        {answers: []error{silent}, limit: time.Minute, want: silent, took: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.limit > 0 {
					limited, cancel := context.WithTimeout(ctx, c.limit)
					defer cancel()
					ctx = limited
				}
				began, asked := time.Now(), 0
				err := broker.Persist(ctx, zerolog.Nop(), func() error {
					if ctx.Err() != nil {
						return ctx.Err()
					}
					asked++
					return c.answers[min(asked, len(c.answers))-1]
				})
				if took := time.Since(began); took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
				if c.want == nil && err != nil || c.want != nil && (err == nil || !strings.HasPrefix(err.Error(), c.want.Error())) {
					t.Errorf("it ends with %v, want %v", err, c.want)
				}
			})
		})
	}
}

func repeated(err error, n int) []error {
	all := make([]error, n)
	for i := range all {
		all[i] = err
	}
	return all
}

// What a cluster answers that is not whole passes; what it answers by its settings does not.
func TestPassing(t *testing.T) {
	t.Parallel()
	for code, want := range map[jetstream.ErrorCode]bool{
		10005: true,  // no suitable peers
		10023: true,  // insufficient resources
		10074: false, // replicas without a cluster
		10047: false, // insufficient storage
		10052: false, // invalid configuration
		10065: false, // subjects overlap
	} {
		if got := broker.Passing(fmt.Errorf("provisioning: %w", &jetstream.APIError{ErrorCode: code})); got != want {
			t.Errorf("passing of %d is %v, want %v", code, got, want)
		}
	}
	if broker.Passing(nil) || broker.Passing(errors.New("other")) {
		t.Error("what is no answer of the broker passes")
	}
}
