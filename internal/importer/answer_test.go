package importer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// directory is a chat server's, by functions.
type directory struct {
	devices func(ctx context.Context, users []push.Uid, provider string) (map[push.Uid][]push.Device, error)
	gone    func(d push.Device, asOf time.Time, reason string) error
}

func (d *directory) Devices(ctx context.Context, users []push.Uid, provider string) (map[push.Uid][]push.Device, error) {
	return d.devices(ctx, users, provider)
}

func (d *directory) Gone(_ context.Context, dev push.Device, asOf time.Time, reason string) error {
	return d.gone(dev, asOf, reason)
}

// answering is a chat server that answers until it is stopped, at the latest when the
// test ends.
type answering struct {
	stop     func() error // and wait
	reported func() []string
}

// answerFrom answers from d, and returns when it does.
func answerFrom(t *testing.T, nc *nats.Conn, d push.Directory) *answering {
	t.Helper()
	var mu sync.Mutex
	var reports []string
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- devices.Answer(ctx, nc, d, devices.AnswerConfig{Report: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			reports = append(reports, err.Error())
		}})
	}()
	a := &answering{
		stop:     sync.OnceValue(func() error { cancel(); return <-ended }),
		reported: func() []string { mu.Lock(); defer mu.Unlock(); return append([]string(nil), reports...) },
	}
	t.Cleanup(func() { _ = a.stop() })
	waitFor(t, "an answer", func() bool {
		_, get := nc.Request("push.directory.get", []byte(`{}`), patience)
		_, gone := nc.Request("push.directory.gone", []byte(`{}`), patience)
		return get == nil && gone == nil
	})
	return a
}

// wonder asks as a worker does.
func wonder(t *testing.T, nc *nats.Conn, subject, request string) string {
	t.Helper()
	m, err := nc.Request(subject, []byte(request), patience)
	if err != nil {
		t.Fatal(err)
	}
	var refused struct{ Error *devices.Error }
	if json.Unmarshal(m.Data, &refused) == nil && refused.Error != nil {
		if header := m.Header.Get("Nats-Service-Error-Code"); header != refused.Error.Code {
			t.Errorf("code %q in the header, %q in the answer", header, refused.Error.Code)
		}
		if strings.Contains(refused.Error.Message, "secret") {
			t.Errorf("the answer quotes the chat server: %s", m.Data)
		}
		return refused.Error.Code
	}
	return string(m.Data)
}

func TestAnswersForDevices(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	registered := time.Date(2026, 11, 24, 9, 30, 15, 0, time.UTC)
	var gone string
	answerFrom(t, nc, &directory{
		devices: func(_ context.Context, users []push.Uid, provider string) (map[push.Uid][]push.Device, error) {
			if diff := cmp.Diff([]push.Uid{1, 2, 1}, users); diff != "" || (provider != "" && provider != "fcm") {
				t.Errorf("asked for %q and %s", provider, diff)
			}
			return map[push.Uid][]push.Device{
				1: {{ID: "phone", Provider: "fcm", Platform: "ios", Token: "a<b", Registered: registered}, {ID: "web", Provider: "webpush", Token: "w"}},
				9: {{ID: "not asked for", Provider: "fcm", Token: "x"}},
			}, nil
		},
		gone: func(d push.Device, asOf time.Time, reason string) error {
			gone = fmt.Sprint(d.User, d.Token, asOf.UTC().Format(time.RFC3339), reason)
			return nil
		},
	})
	const phone = `{"user":"AQAAAAAAAAA","id":"phone","provider":"fcm","platform":"ios","token":"a\u003cb","registered":"2026-11-24T09:30:15Z"}`
	const web = `{"user":"AQAAAAAAAAA","id":"web","provider":"webpush","platform":"","token":"w"}`
	for request, want := range map[string]string{
		`{"users":["AQAAAAAAAAA","usrAgAAAAAAAAA","1"]}`:               `{"devices":[` + phone + `,` + web + `]}`,
		`{"users":["AQAAAAAAAAA","AgAAAAAAAAA","1"],"provider":"fcm"}`: `{"devices":[` + phone + `]}`,
		`{"users":[]}`: "invalid",
		`{"users":["` + strings.Repeat(`AQAAAAAAAAA","`, 1000) + `2"]}`: "invalid",
		`{"users":["nobody"]}`: "invalid",
		`[]`:                   "malformed",
	} {
		if got := wonder(t, nc, "push.directory.get", request); got != want {
			t.Errorf("%.80s: %s, want %s", request, got, want)
		}
	}
	for request, want := range map[string]string{
		`{"device":` + phone + `,"as_of":"2026-11-24T10:00:00Z","reason":"unregistered"}`: `{"ok":true}`,
		`{"device":` + phone + `,"reason":"unregistered"}`:                                "invalid",
		`{"as_of":"2026-11-24T10:00:00Z"}`:                                                "malformed",
	} {
		if got := wonder(t, nc, "push.directory.gone", request); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	if want := fmt.Sprint(push.Uid(1), "a<b", "2026-11-24T10:00:00Z", "unregistered"); gone != want {
		t.Errorf("gone: %s", gone)
	}
}

// TestADirectoryThatFails: whatever goes wrong in the chat server, the worker gets an
// error, which makes it wait, and no text of the chat server's.
func TestADirectoryThatFails(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	var fault func() error
	var found []push.Device
	a := answerFrom(t, nc, &directory{
		devices: func(context.Context, []push.Uid, string) (map[push.Uid][]push.Device, error) {
			return map[push.Uid][]push.Device{1: found}, fault()
		},
		gone: func(push.Device, time.Time, string) error { return fault() },
	})
	const get, gone = `{"users":["1"]}`, `{"device":{"user":"1","token":"t"},"as_of":"2026-11-24T10:00:00Z"}`
	for want, f := range map[string]func() error{
		"unavailable": func() error { return errors.New("no route to secret-host") },
		"damaged":     func() error { return &push.UnreadableError{Users: []push.Uid{1}, Err: errors.New("secret row")} },
	} {
		fault = f
		for subject, request := range map[string]string{"push.directory.get": get, "push.directory.gone": gone} {
			if got := wonder(t, nc, subject, request); got != want {
				t.Errorf("%s: %s, want %s", subject, got, want)
			}
		}
	}
	fault = func() error { panic("secret panic") }
	if got := wonder(t, nc, "push.directory.get", get); got != "unavailable" {
		t.Errorf("panic: %s", got)
	}
	if all := strings.Join(a.reported(), "\n"); !strings.Contains(all, "secret-host") || !strings.Contains(all, "secret panic") || !strings.Contains(all, "answer_test.go") {
		t.Errorf("reported: %s", all)
	}
	fault = func() error { return nil }
	found = make([]push.Device, 1000)
	for i := range found {
		found[i] = push.Device{ID: "d", Provider: "fcm", Token: strings.Repeat("t", 1<<10)}
	}
	if got := wonder(t, nc, "push.directory.get", get); got != "too_large" {
		t.Errorf("an answer larger than the broker takes: %.80s", got)
	}
}

// TestAnswersGoToInboxesOnly: whoever asks chooses the subject of the answer, which is
// published with the chat server's rights.
func TestAnswersGoToInboxesOnly(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	asked := make(chan struct{}, 8)
	a := answerFrom(t, nc, &directory{devices: func(context.Context, []push.Uid, string) (map[push.Uid][]push.Device, error) {
		asked <- struct{}{}
		return map[push.Uid][]push.Device{}, nil
	}})
	if err := nc.Publish("push.directory.get", []byte(`{"users":["1"]}`)); err != nil {
		t.Fatal(err)
	}
	for _, reply := range []string{"push.receipts", "_INBOX", "_INBOXES.a"} {
		if err := nc.PublishRequest("push.directory.get", reply, []byte(`{"users":["1"]}`)); err != nil {
			t.Fatal(err)
		}
	}
	if got := wonder(t, nc, "push.directory.get", `{"users":["1"]}`); got != `{"devices":[]}` {
		t.Errorf("to an inbox: %s", got)
	}
	if len(asked) != 1 {
		t.Errorf("the directory was asked %d times", len(asked))
	}
	waitFor(t, "reports", func() bool { return strings.Count(strings.Join(a.reported(), "\n"), "not an inbox") == 4 })
}

// TestAnAnswererDrains: what was asked before the stop is answered, what comes later is
// for others.
func TestAnAnswererDrains(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	asked, release := make(chan struct{}), make(chan struct{})
	a := answerFrom(t, nc, &directory{devices: func(context.Context, []push.Uid, string) (map[push.Uid][]push.Device, error) {
		asked <- struct{}{}
		<-release
		return map[push.Uid][]push.Device{}, nil
	}})
	answers := make(chan string, 2)
	for range 2 {
		go func() { answers <- wonder(t, nc, "push.directory.get", `{"users":["1"]}`) }()
		<-asked
	}
	ended := make(chan error, 1)
	go func() { ended <- a.stop() }()
	waitFor(t, "the end of the subscription", func() bool {
		_, err := nc.Request("push.directory.gone", []byte(`{}`), patience)
		return errors.Is(err, nats.ErrNoResponders)
	})
	select {
	case err := <-ended:
		t.Errorf("stopped before the answers were sent: %v", err)
	default:
	}
	close(release)
	if first, second := <-answers, <-answers; first != `{"devices":[]}` || second != first {
		t.Errorf("answers %s and %s", first, second)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestAnAnswererStopsWithoutABroker: a chat server that stops must not wait for one.
func TestAnAnswererStopsWithoutABroker(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	a := answerFrom(t, nc, &directory{})
	b.Stop(t)
	waitFor(t, "the loss of the connection", nc.IsReconnecting)
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}

func TestAnAnswererOnAConnectionThatIsClosed(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	ended := make(chan error, 1)
	go func() { ended <- devices.Answer(t.Context(), nc, &directory{}, devices.AnswerConfig{}) }()
	waitFor(t, "an answer", func() bool { _, err := nc.Request("push.directory.gone", []byte(`{}`), patience); return err == nil })
	nc.Close()
	if err := <-ended; !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("ended with %v", err)
	}
	if err := devices.Answer(t.Context(), nc, &directory{}, devices.AnswerConfig{}); err == nil {
		t.Error("a closed connection can answer")
	}
}
