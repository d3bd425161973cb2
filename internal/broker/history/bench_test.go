package history_test

import (
	"bytes"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/pkg/push"
)

// BenchmarkReplay replays 100,000 receipts of 700 bytes into a file, and reads them
// bare with the client library's ordered consumer, in turn. The metric raw/ratio is the
// time of the bare read over that of the replay: at least 0.7 is wanted. Both are
// collected as rarely as the command is.
func BenchmarkReplay(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(200))
	const n = 100_000
	r := brokertest.NewRig(b)
	data := []byte(`{"to":{"782riWdFIwE":{"unread":1}},"payload":{"what":"msg","topic":"grpA","seq":7,"content":"` +
		string(bytes.Repeat([]byte("x"), 600)) + `"}}`)
	fill(b, r, n, data)
	reader := history.New(r.Conn, "PUSH")
	file := filepath.Join(b.TempDir(), "out")
	var bare, replayed time.Duration
	b.SetBytes(n * int64(len(data)))
	for b.Loop() {
		began := time.Now()
		readBare(b, r, n)
		bare += time.Since(began)
		began = time.Now()
		replayToFile(b, reader, n, file)
		replayed += time.Since(began)
		if err := os.Remove(file); err != nil { // so that the disk has no more to do each time
			b.Fatal(err)
		}
	}
	b.ReportMetric(bare.Seconds()/replayed.Seconds(), "raw/ratio")
	b.ReportMetric(n*float64(b.N)/replayed.Seconds(), "receipts/s")
	b.ReportMetric(0, "ns/op")
}

// fill stores n receipts.
func fill(b *testing.B, r *brokertest.Rig, n int, data []byte) {
	b.Helper()
	brokertest.Fill(b, r.JetStream, "push.receipts", n, func(int) []byte { return data })
}

func readBare(b *testing.B, r *brokertest.Rig, n int) {
	b.Helper()
	consumer, err := r.JetStream.OrderedConsumer(b.Context(), "PUSH", jetstream.OrderedConsumerConfig{})
	if err != nil {
		b.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		b.Fatal(err)
	}
	defer messages.Stop()
	for range n {
		if _, err := messages.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func replayToFile(b *testing.B, reader *history.History, n int64, name string) {
	b.Helper()
	f, err := replay.CreateFile(name, false, 0)
	if err != nil {
		b.Fatal(err)
	}
	p := &replay.Replay{
		Limits: push.Limits{MaxBytes: 1 << 20, MaxDepth: 64, MaxKeys: 4096},
		Sink:   replay.NewLines(f, 0, f.Sync), From: replay.Position{Next: 1},
	}
	_, tally, err := p.Run(b.Context(), asStored(reader.Read(b.Context(), history.Stretch{})))
	if err == nil {
		err = f.Complete()
	}
	if err != nil || tally.Sent != n {
		b.Fatalf("%+v, %v", tally, err)
	}
}

func asStored(messages iter.Seq2[history.Stored, error]) iter.Seq2[replay.Stored, error] {
	return func(yield func(replay.Stored, error) bool) {
		for m, err := range messages {
			if !yield(replay.Stored{Seq: m.Seq, Time: m.Time, Data: m.Data}, err) {
				return
			}
		}
	}
}

// BenchmarkHistorySince finds the middle of 200,000 messages by its time; the time of
// one does not grow with them.
func BenchmarkHistorySince(b *testing.B) {
	const n = 200_000
	r := brokertest.NewRig(b)
	fill(b, r, n, []byte("0123456789"))
	reader := history.New(r.Conn, "PUSH")
	middle, err := reader.Get(b.Context(), n/2)
	if err != nil {
		b.Fatal(err)
	}
	before := r.Conn.NATS().Stats().OutMsgs
	for b.Loop() {
		first, _, err := reader.Bounds(b.Context(), history.Stretch{Since: middle.Time})
		if err != nil || first > n/2 || first < n/2-1000 { // several are stored in the same microsecond
			b.Fatalf("first is %d, %v", first, err)
		}
	}
	b.ReportMetric(float64(r.Conn.NATS().Stats().OutMsgs-before)/float64(b.N), "requests/op")
}
