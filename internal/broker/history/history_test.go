package history_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/history"
)

func read(t *testing.T, h *history.History, s history.Stretch) []uint64 {
	t.Helper()
	var all []uint64
	for m, err := range h.Read(t.Context(), s) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Seq)
	}
	return all
}

func sequences(first, last uint64) []uint64 {
	var all []uint64
	for seq := first; seq <= last; seq++ {
		all = append(all, seq)
	}
	return all
}

func TestHistoryReadsStretches(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	h := history.New(r.Conn, "PUSH")
	if got := read(t, h, history.Stretch{}); got != nil {
		t.Errorf("an empty stream has %v", got)
	}
	const n = 1500 // more than fit into two batches
	r.Publish(t, n)
	if err := r.NATS.Publish("push.receipts.eu", []byte("last")); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "the last is stored", func() bool {
		_, err := h.Get(t.Context(), n+1)
		return err == nil
	})
	middle, err := h.Get(t.Context(), 700)
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		stretch history.Stretch
		want    []uint64
	}{
		"all":                      {history.Stretch{}, sequences(1, n+1)},
		"from":                     {history.Stretch{From: n}, sequences(n, n+1)},
		"to":                       {history.Stretch{To: 3}, sequences(1, 3)},
		"one":                      {history.Stretch{From: 7, To: 7}, sequences(7, 7)},
		"beyond":                   {history.Stretch{From: n + 2}, nil},
		"to beyond":                {history.Stretch{From: n + 1, To: 9999}, sequences(n+1, n+1)},
		"the wrong way round":      {history.Stretch{From: 9, To: 8}, nil},
		"subject":                  {history.Stretch{Subject: "push.receipts.*"}, sequences(n+1, n+1)},
		"subject that nothing has": {history.Stretch{Subject: "push.receipts.us"}, nil},
		"since":                    {history.Stretch{Since: middle.Time}, sequences(700, n+1)},
		"until":                    {history.Stretch{Until: middle.Time}, sequences(1, 699)},
		"since, from after it":     {history.Stretch{Since: middle.Time, From: 1400}, sequences(1400, n+1)},
		"since, from before it":    {history.Stretch{Since: middle.Time, From: 3}, sequences(700, n+1)},
		"until, to before it":      {history.Stretch{Until: middle.Time, To: 5}, sequences(1, 5)},
		"until before all":         {history.Stretch{Until: middle.Time.Add(-time.Hour)}, nil},
		"since after all":          {history.Stretch{Since: later}, nil},
		"until after all":          {history.Stretch{From: n, Until: later}, sequences(n, n+1)},
	} {
		if diff := cmp.Diff(test.want, read(t, h, test.stretch)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What is stored comes as it was published, even with headers like the broker's own.
func TestHistoryHandsOutWhatWasPublished(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	h := history.New(r.Conn, "PUSH")
	m := nats.NewMsg("push.receipts.x")
	m.Data = []byte("data")
	m.Header = nats.Header{
		"Status": {"404"}, "Description": {"Message Not Found"}, "Nats-Sequence": {"77"}, "Nats-Last-Sequence": {"76"},
		"Nats-Subject": {"evil"}, "Nats-Num-Pending": {"0"}, "Traceparent": {"00-1"},
	}
	for range 2 {
		if _, err := r.JetStream.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(sequences(1, 2), read(t, h, history.Stretch{})); diff != "" {
		t.Fatalf("sequences (-want +got):\n%s", diff)
	}
	got, err := h.Get(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range h.Read(t.Context(), history.Stretch{From: 2}) {
		if diff := cmp.Diff(got, m); diff != "" || err != nil {
			t.Errorf("%v, Read and Get differ (-get +read):\n%s", err, diff)
		}
	}
	want := history.Stored{Seq: 2, Subject: m.Subject, Time: r.Stored(t, "PUSH")[1].Time, Header: m.Header, Data: m.Data}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Get (-want +got):\n%s", diff)
	}
}

func TestHistoryLeavesOutWhatWasDeleted(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 200)
	s, err := r.JetStream.Stream(t.Context(), "PUSH")
	if err != nil {
		t.Fatal(err)
	}
	want := sequences(1, 200)
	for _, seq := range []uint64{200, 199, 70, 64, 1} {
		if err := s.DeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
		want = slices.DeleteFunc(want, func(x uint64) bool { return x == seq })
	}
	h := history.New(r.Conn, "PUSH")
	if diff := cmp.Diff(want, read(t, h, history.Stretch{})); diff != "" {
		t.Errorf("sequences (-want +got):\n%s", diff)
	}
	for _, seq := range []uint64{0, 1, 200, 201} {
		if _, err := h.Get(t.Context(), seq); !errors.Is(err, history.ErrNotStored) {
			t.Errorf("Get(%d) = %v, want ErrNotStored", seq, err)
		}
	}
	// All that lies ahead goes while it is read.
	r.Publish(t, 3000)
	var got []uint64
	for m, err := range h.Read(t.Context(), history.Stretch{}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, m.Seq); len(got) == 1 {
			if err := s.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(got) == 0 || len(got) >= len(want)+3000 {
		t.Errorf("%d of %d were read before the rest was purged", len(got), len(want)+3000)
	}
}

// What is asked for ahead begins where it was thought to only if there are no holes,
// and the answers before it are not cut off by their size.
func TestHistoryReadsAheadOfHolesAndGreatMessages(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	great := make([]byte, 200_000)
	brokertest.Fill(t, r.JetStream, "push.receipts", 12_000, func(i int) []byte {
		if i >= 3000 && i < 3100 {
			return great
		}
		return []byte(`{}`)
	})
	s, err := r.JetStream.Stream(t.Context(), "PUSH")
	if err != nil {
		t.Fatal(err)
	}
	want := sequences(1, 12_000)
	for _, seq := range []uint64{64, 65, 320, 321, 1345, 3050, 6000, 6001, 6003, 9999} {
		if err := s.DeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
		want = slices.DeleteFunc(want, func(x uint64) bool { return x == seq })
	}
	for _, from := range []uint64{0, 1, 2, 60, 1000, 2990} {
		got := read(t, history.New(r.Conn, "PUSH"), history.Stretch{From: from})
		at, _ := slices.BinarySearch(want, from)
		if diff := cmp.Diff(want[at:], got); diff != "" {
			t.Errorf("sequences from %d (-want +got):\n%s", from, diff)
		}
	}
}

func TestHistoryStopsWhenItsReaderDoes(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 200)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []uint64
	var failure error
	for m, err := range history.New(r.Conn, "PUSH").Read(ctx, history.Stretch{}) {
		if failure = err; err != nil {
			break
		}
		got = append(got, m.Seq)
		cancel()
	}
	if !errors.Is(failure, context.Canceled) || len(got) == 200 {
		t.Errorf("%d were read, then %v", len(got), failure)
	}
	for m, err := range history.New(r.Conn, "PUSH").Read(t.Context(), history.Stretch{}) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Seq == 3 {
			break // goleak notices what goes on
		}
	}
}

func TestHistoryOfAStreamThatIsMissing(t *testing.T) {
	t.Parallel()
	h := history.New(brokertest.Start(t).Connect(t), "PUSH")
	_, err := h.Get(t.Context(), 1)
	brokertest.WantError(t, err, "stream PUSH", "pushworker provision")
	for _, err := range h.Read(t.Context(), history.Stretch{}) {
		brokertest.WantError(t, err, "stream PUSH", "pushworker provision")
	}
}

// cutter answers direct gets of stream CUT as if it had the messages 1 to 6, and tears
// its batches as a test tells it.
type cutter struct {
	batches atomic.Int64
	batch   func(m *nats.Msg, seq, n int)
}

func (c *cutter) answer(m *nats.Msg) {
	var question struct {
		Seq   int    `json:"seq"`
		Batch int    `json:"batch"`
		Last  string `json:"last_by_subj"`
	}
	if json.Unmarshal(m.Data, &question) != nil {
		return
	}
	switch {
	case question.Last != "":
		sayStored(m, 6, 0)
		return
	case question.Batch == 0 && question.Seq <= 6:
		sayStored(m, question.Seq, 0)
		return
	case question.Batch == 0:
		sayStored(m, 7, 0) // what came while it was read
		return
	}
	c.batches.Add(1)
	c.batch(m, question.Seq, question.Batch)
}

func sayStored(m *nats.Msg, seq, last int) {
	brokertest.Say(m, "x", "Nats-Subject", "s", "Nats-Sequence", strconv.Itoa(seq), "Nats-Last-Sequence", strconv.Itoa(last),
		"Nats-Num-Pending", "0", jetstream.TimeStampHeaer, "2026-01-31T12:00:00Z")
}

func TestHistoryNoticesWhatWasCutOff(t *testing.T) {
	t.Parallel()
	whole := func(m *nats.Msg, seq, n int) {
		last := 0
		for i := range n {
			sayStored(m, seq+i, last)
			last = seq + i
		}
		brokertest.SayEnd(m, last, 0)
	}
	for name, test := range map[string]struct {
		first func(*nats.Msg, int, int) // the answer to the first question
		rest  func(*nats.Msg, int, int)
		want  int    // how many are read
		err   string // of the reading
	}{
		"whole": {whole, whole, 6, ""},
		"a gap": {func(m *nats.Msg, seq, _ int) {
			sayStored(m, seq, 0)
			sayStored(m, seq+2, seq+1)
			brokertest.SayEnd(m, seq+2, 0)
		}, whole, 6, ""},
		"the end is missing": {func(m *nats.Msg, seq, _ int) {
			sayStored(m, seq, 0)
			brokertest.SayEnd(m, seq+1, 0)
		}, whole, 6, ""},
		"fewer than asked for": {func(m *nats.Msg, seq, _ int) {
			sayStored(m, seq, 0)
			brokertest.SayEnd(m, seq, 5)
		}, whole, 6, ""},
		"nothing, at first": {func(m *nats.Msg, _, _ int) {
			brokertest.Say(m, "", "Status", "404", "Description", "Message Not Found")
		}, whole, 6, ""},
		"nothing, for ever": {whole, func(m *nats.Msg, seq, n int) {
			brokertest.Say(m, "", "Status", "404", "Description", "Message Not Found")
		}, 6, ""},
		"never the rest": {func(m *nats.Msg, seq, _ int) {
			sayStored(m, seq, 0)
			brokertest.SayEnd(m, seq, 5)
		}, func(m *nats.Msg, _, _ int) {
			brokertest.Say(m, "", "Status", "404", "Description", "Message Not Found")
		}, 1, "message 2 is stored and was not sent; try again from sequence 2"},
		"an old broker": {func(m *nats.Msg, _, _ int) { brokertest.Say(m, "", "Status", "408", "Description", "Bad Request") }, whole, 0, "nats-server 2.12"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t)
			nc, _ := brokertest.Client(t, b.URL())
			c := &cutter{}
			c.batch = func(m *nats.Msg, seq, n int) {
				if c.batches.Load() == 1 {
					test.first(m, seq, n)
				} else {
					test.rest(m, seq, n)
				}
			}
			if _, err := nc.Subscribe("$JS.API.DIRECT.GET.CUT", c.answer); err != nil {
				t.Fatal(err)
			}
			if err := nc.Flush(); err != nil {
				t.Fatal(err)
			}
			var got []uint64
			var failure error
			for m, err := range history.New(brokertest.ConnectTo(t, b.URL(), zerolog.Nop()), "CUT").Read(t.Context(), history.Stretch{}) {
				if failure = err; err == nil {
					got = append(got, m.Seq)
				}
			}
			if diff := cmp.Diff(sequences(1, uint64(test.want)), got); diff != "" {
				t.Errorf("sequences (-want +got):\n%s", diff)
			}
			switch {
			case test.err != "":
				brokertest.WantError(t, failure, test.err)
			case failure != nil:
				t.Error(failure)
			}
		})
	}
}
