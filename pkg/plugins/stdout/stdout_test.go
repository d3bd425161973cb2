package stdout_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/stdout"
	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

// counter counts the lines written to it, and Writes that overlap or are no line.
type counter struct {
	lines, busy, broken atomic.Int32
}

func (c *counter) Write(b []byte) (int, error) {
	if c.busy.Add(1) > 1 || bytes.IndexByte(b, '\n') != len(b)-1 {
		c.broken.Add(1)
	}
	c.lines.Add(1)
	c.busy.Add(-1)
	return len(b), nil
}

func TestConforms(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"defaults":          "",
		"as in Tinode":      `{"enabled":true,"buffer":32}`,
		"text":              `{"format":"text"}`,
		"several at a time": `{"concurrency":4,"format":"json"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var broken atomic.Int32
			pushtest.TestHandler(t, pushtest.Subject{
				New: func(tb testing.TB) (push.Handler, func() int) {
					tb.Helper()
					out := &counter{}
					tb.Cleanup(func() { broken.Add(out.broken.Load()) })
					return stdout.New(out), func() int { return int(out.lines.Load()) }
				},
				Config:  config,
				Invalid: []string{`{"format":"xml"}`, `{"format":1}`, `{"fromat":"json"}`, `{"format":"text","buffer":"x"}`},
			})
			if n := broken.Load(); n > 0 {
				t.Errorf("%d writes overlapped or were not one line", n)
			}
		})
	}
}

// printed returns what the handler writes for r, and the outcome.
func printed(t *testing.T, config string, w io.Writer, r *push.Receipt) error {
	t.Helper()
	h := stdout.New(w)
	if err := h.Init(config); err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	var outcome error
	var settled sync.WaitGroup
	settled.Add(1)
	r.OnDone(func(err error) {
		outcome = err
		settled.Done()
	})
	h.Push() <- r
	settled.Wait()
	return outcome
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

const (
	alice push.Uid = 0x0123456789abcdef
	bob   push.Uid = 0xfedcba9876543210
	carol push.Uid = 0x7a6b5c4d3e2f1001
)

func TestFormats(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		receipt    push.Receipt
		json, text string
	}{
		"message": {
			receipt: push.Receipt{
				To: map[push.Uid]push.Recipient{bob: {Unread: 3, Devices: []string{"secret-token"}}},
				Payload: push.Payload{
					What: "msg", Topic: "grpnG99YhENiQU", Timestamp: at("2020-03-13T09:30:15.123Z"),
					From: "usr782riWdFIwE", SeqId: 42, Content: json.RawMessage("\"Hello,\\u0020world\""),
				},
			},
			json: `{"to":{"EDJUdpi63P4":{"delivered":0,"devices":["secret-token"],"unread":3}},"channel":"",` +
				`"payload":{"what":"msg","silent":false,"topic":"grpnG99YhENiQU","ts":"2020-03-13T09:30:15.123Z",` +
				`"from":"usr782riWdFIwE","seq":42,"mime":"","content":"Hello,\u0020world"}}`,
			text: `2020-03-13T09:30:15.123Z msg grpnG99YhENiQU #42 from usr782riWdFIwE to usrEDJUdpi63P4: "Hello, world"`,
		},
		"formatted message over several lines": {
			receipt: push.Receipt{
				To: map[push.Uid]push.Recipient{alice: {}, bob: {}, carol: {}, 1: {}, 2: {}},
				Payload: push.Payload{
					What: "msg", Topic: "grpnG99YhENiQU", Replace: ":41", ContentType: "text/x-drafty",
					Content: json.RawMessage("{\n \"txt\": \"" + strings.Repeat("ä", 50) + "\",\n \"n\": 12345678901234567890 }"),
				},
			},
			json: `{"to":{"782riWdFIwE":{"delivered":0,"unread":0},"AQAAAAAAAAA":{"delivered":0,"unread":0},"ARAvPk1ca3o":{"delivered":0,"unread":0},` +
				`"AgAAAAAAAAA":{"delivered":0,"unread":0},"EDJUdpi63P4":{"delivered":0,"unread":0}},"channel":"",` +
				`"payload":{"what":"msg","silent":false,"topic":"grpnG99YhENiQU","ts":"0001-01-01T00:00:00Z","from":"","seq":0,` +
				`"mime":"text/x-drafty","content":{"txt":"` + strings.Repeat("ä", 50) + `","n":12345678901234567890},"replace":":41"}}`,
			text: `- msg grpnG99YhENiQU #0 to usrAQAAAAAAAAA, usrAgAAAAAAAAA, usr782riWdFIwE and 2 more, replaces :41, text/x-drafty: "` +
				strings.Repeat("ä", 40) + `"…`,
		},
		"call": {
			receipt: push.Receipt{Payload: push.Payload{What: "msg", Topic: "usr782riWdFIwE", Webrtc: "started", AudioOnly: true, Content: json.RawMessage(`[1]`)}},
			json: `{"to":null,"channel":"","payload":{"what":"msg","silent":false,"topic":"usr782riWdFIwE","ts":"0001-01-01T00:00:00Z",` +
				`"from":"","seq":0,"mime":"","content":[1],"webrtc":"started","aonly":true}}`,
			text: `- msg usr782riWdFIwE #0 to nobody, call started (audio): 3 bytes`,
		},
		"subscription and channel": {
			receipt: push.Receipt{Channel: "chnnG99YhENiQU", Payload: push.Payload{What: "sub", Topic: "grpnG99YhENiQU", Silent: true, ModeWant: 0x2f, ModeGiven: 0xff}},
			json: `{"to":null,"channel":"chnnG99YhENiQU","payload":{"what":"sub","silent":true,"topic":"grpnG99YhENiQU",` +
				`"ts":"0001-01-01T00:00:00Z","from":"","seq":0,"mime":"","want":"JRWPS","given":"JRWPASDO"}}`,
			text: `- sub grpnG99YhENiQU #0 to nobody and channel chnnG99YhENiQU, silent, want JRWPS given JRWPASDO`,
		},
		"text that would like to be more": {
			receipt: push.Receipt{Channel: "a\u202eb", Payload: push.Payload{
				What: "", Topic: "grp \x1b[2J\r\n", From: "\u009b31m", Webrtc: "\x7f", Content: json.RawMessage(`"\u001b]0;owned\u0007` + "\u009b\u2066" + `"`),
			}},
			json: `{"to":null,"channel":"a\u202eb","payload":{"what":"","silent":false,"topic":"grp \u001b[2J\r\n","ts":"0001-01-01T00:00:00Z",` +
				`"from":"\u009b31m","seq":0,"mime":"","content":"\u001b]0;owned\u0007\u009b\u2066","webrtc":"\u007f"}}`,
			text: `- "" "grp \x1b[2J\r\n" #0 from "\u009b31m" to nobody and channel "a\u202eb", call "\x7f": "\x1b]0;owned\a\u009b\u2066"`,
		},
	} {
		for format, want := range map[string]string{"json": tt.json, "text": tt.text} {
			t.Run(name+" as "+format, func(t *testing.T) {
				t.Parallel()
				var out bytes.Buffer
				if err := printed(t, `{"format":"`+format+`"}`, &out, tt.receipt.Clone()); err != nil {
					t.Fatalf("outcome is %v", err)
				}
				if diff := cmp.Diff(want+"\n", out.String()); diff != "" {
					t.Errorf("line (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	errFull := errors.New("no space left")
	isUnavailable := func(err error) bool {
		_, ok := errors.AsType[*push.UnavailableError](err)
		return ok
	}
	isPermanent := func(err error) bool {
		_, ok := errors.AsType[*push.PermanentError](err)
		return ok
	}
	for name, tt := range map[string]struct {
		receipt push.Receipt
		writer  error
		is      func(error) bool
	}{
		"broken pipe": {writer: &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, is: isUnavailable},
		"closed file": {writer: os.ErrClosed, is: isUnavailable},
		"closed pipe": {writer: io.ErrClosedPipe, is: isUnavailable},
		"full disk": {writer: errFull, is: func(err error) bool {
			return errors.Is(err, errFull) && !isUnavailable(err) && !isPermanent(err)
		}},
		"no JSON for it": {receipt: push.Receipt{Payload: push.Payload{ModeWant: push.ModeInvalid}}, is: isPermanent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := writerFunc(func(b []byte) (int, error) { return 0, tt.writer })
			if err := printed(t, "", out, tt.receipt.Clone()); !tt.is(err) {
				t.Errorf("outcome is %T: %v", err, err)
			}
		})
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A receipt counts as delivered when its line has been written, and not before.
func TestReportsAfterWriting(t *testing.T) {
	t.Parallel()
	var written atomic.Bool
	out := writerFunc(func(b []byte) (int, error) {
		written.Store(true)
		return len(b), nil
	})
	h := stdout.New(out)
	if err := h.Init(""); err != nil {
		t.Fatal(err)
	}
	settled := make(chan bool)
	r := &push.Receipt{}
	r.OnDone(func(error) { settled <- written.Load() })
	h.Push() <- r
	if !<-settled {
		t.Error("reported before the line was written")
	}
	h.Stop()
}

// FuzzLines checks that no content of a receipt can break out of its line.
func FuzzLines(f *testing.F) {
	f.Add("grp", "hello", "text/plain")
	f.Add("\x1b[31m", "\"\n\r\u2028\u202e", "\x00\xff\u009b")
	f.Fuzz(func(t *testing.T, topic, text, mime string) {
		content, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		r := push.Receipt{Channel: mime, Payload: push.Payload{
			What: topic, Topic: topic, From: mime, ContentType: mime, Webrtc: text, Replace: text, Content: json.RawMessage(content),
		}}
		for _, format := range []string{"json", "text"} {
			var out bytes.Buffer
			if err := printed(t, `{"format":"`+format+`"}`, &out, r.Clone()); err != nil {
				t.Fatal(err)
			}
			line := strings.TrimSuffix(out.String(), "\n")
			if i := strings.IndexFunc(line, harmful); i >= 0 {
				t.Errorf("%s line has a raw control character at byte %d: %q", format, i, line)
			}
			if format == "json" && !json.Valid([]byte(line)) {
				t.Errorf("line is not JSON: %q", line)
			}
		}
	})
}

func harmful(c rune) bool {
	return c < ' ' || c >= 0x7f && c < 0xa0 || strings.ContainsRune("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", c)
}

func BenchmarkPrint(b *testing.B) {
	r := &push.Receipt{
		To: map[push.Uid]push.Recipient{bob: {Unread: 3}},
		Payload: push.Payload{
			What: "msg", Topic: "grpnG99YhENiQU", Timestamp: at("2020-03-13T09:30:15.123Z"),
			From: "usr782riWdFIwE", SeqId: 42, Content: json.RawMessage(`"Hello, world"`),
		},
	}
	for _, format := range []string{"json", "text"} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			h := stdout.New(io.Discard)
			if err := h.Init(`{"format":"` + format + `"}`); err != nil {
				b.Fatal(err)
			}
			in := h.Push()
			var open sync.WaitGroup
			r.OnDone(func(error) { open.Done() })
			for b.Loop() {
				open.Add(1)
				in <- r
			}
			open.Wait()
			h.Stop()
		})
	}
}
