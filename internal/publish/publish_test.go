package publish_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/publish"
	"github.com/pushworker/pushworker/pkg/push"
)

// Results come in the order of input, those of receipts that are not published, too.
func TestResultsAreInTheOrderOfInput(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn, topo := b.Connect(t), b.Topology("fcm")
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	pub, err := conn.Publisher(publish.Config("push.receipts", 1))
	if err != nil {
		t.Fatal(err)
	}
	inputs := map[string]string{
		"a": `{"channel":"chn1"}` + "\nnonsense\n" + `{"channel":"chn2"}`,
		"b": strings.Repeat(`{"channel":"chn3"}`+"\n", 300), // more than are in flight at a time
	}
	p := publish.Publishing{
		Publisher: pub, Limits: push.DefaultLimits(),
		Open: func(name string) (io.ReadCloser, string, error) {
			return io.NopCloser(strings.NewReader(inputs[name])), "file-" + name, nil
		},
	}
	want := []string{"file-a:1 stored 1", "file-a:2 not published", "file-a:3 stored 2"}
	for i := range 300 {
		want = append(want, fmt.Sprintf("file-b:%d stored %d", i+1, i+3))
	}
	var got []string
	for r, err := range p.Run(t.Context(), []string{"a", "b"}, func() {}) {
		switch {
		case err != nil || r.Err != nil:
			t.Fatal(err, r)
		case len(r.Faults) > 0:
			got = append(got, r.Where+" not published")
		default:
			got = append(got, fmt.Sprintf("%s stored %d", r.Where, r.Ack.Seq))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// An input whose reading is called off has not come to its end, nor is that a fault of a
// receipt, although the run's own context may not have ended yet.
func TestInputIsCalledOff(t *testing.T) {
	t.Parallel()
	p := publish.Publishing{
		Limits: push.DefaultLimits(),
		Open: func(name string) (io.ReadCloser, string, error) {
			return io.NopCloser(iotest.ErrReader(fmt.Errorf("interrupted: %w", context.Canceled))), name, nil
		},
	}
	var told []error
	for r, err := range p.Run(t.Context(), []string{"a"}, func() {}) {
		if r != nil {
			t.Errorf("the result is %+v, want none", r)
		}
		told = append(told, err)
	}
	if len(told) != 1 || !errors.Is(told[0], context.Canceled) {
		t.Errorf("told %v, want once that it was called off", told)
	}
}
