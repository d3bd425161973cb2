package devices_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// scripted answers direct gets of the bucket as a test tells it, because a broker
// leaves gaps in its answers far too rarely.
type scripted struct {
	mu      sync.Mutex
	answers []func(m *nats.Msg, subjects []string)
}

// script has the next questions answered so.
func (l *scripted) script(answers ...func(*nats.Msg, []string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = answers
}

func (l *scripted) answer(m *nats.Msg) {
	var question struct {
		Subjects []string `json:"multi_last"`
		MaxBytes int      `json:"max_bytes"`
	}
	if json.Unmarshal(m.Data, &question) != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.answers) == 0 {
		truth(m, question.Subjects)
		return
	}
	if question.MaxBytes <= 0 || question.MaxBytes > 16<<20 {
		brokertest.Say(m, "", "Status", "500", "Description", "so much makes a slow consumer")
	}
	l.answers[0](m, question.Subjects)
	l.answers = l.answers[1:]
}

func sayEntry(m *nats.Msg, subject string, seq, last int) {
	value := fmt.Sprintf(`[{"id":"phone","provider":"fcm","platform":"ios","token":"t%d"}]`, seq)
	if strings.HasSuffix(subject, "install.mask") {
		value = strings.Repeat("0f", 32)
	}
	brokertest.Say(m, value, "Nats-Subject", subject, "Nats-Sequence", strconv.Itoa(seq), "Nats-Last-Sequence", strconv.Itoa(last), "Nats-Num-Pending", "0")
}

func truth(m *nats.Msg, subjects []string) { truthOf(m, subjects, len(subjects)) }

// truthOf answers the first n subjects, and says that there are more.
func truthOf(m *nats.Msg, subjects []string, n int) {
	for i, s := range subjects[:n] {
		sayEntry(m, s, i+1, i)
	}
	brokertest.SayEnd(m, n, len(subjects)-n)
}

// newScripted returns a directory that asks a scripted, through wire.
func newScripted(t *testing.T) (l *scripted, d *devices.Directory, wire *brokertest.Proxy) {
	t.Helper()
	b := brokertest.Start(t) // without the bucket
	nc, _ := brokertest.Client(t, b.URL())
	l, wire = &scripted{}, brokertest.NewProxy(t, b.URL())
	if _, err := nc.Subscribe("$JS.API.DIRECT.GET.KV_push-devices", l.answer); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	d, err := devices.Open(t.Context(), brokertest.ConnectTo(t, wire.URL(), zerolog.Nop()), devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l, d, wire
}

func TestAnswerWithAGapIsAskedForAgain(t *testing.T) {
	t.Parallel()
	l, d, _ := newScripted(t)
	users := []push.Uid{1, 2, 3}
	for name, lie := range map[string]func(*nats.Msg, []string){
		"one is left out": func(m *nats.Msg, s []string) {
			sayEntry(m, s[0], 1, 0)
			sayEntry(m, s[2], 3, 2)
			brokertest.SayEnd(m, 3, 0)
		},
		"the first is left out": func(m *nats.Msg, s []string) {
			sayEntry(m, s[1], 2, 1)
			sayEntry(m, s[2], 3, 2)
			brokertest.SayEnd(m, 3, 0)
		},
		"the last is left out": func(m *nats.Msg, s []string) {
			sayEntry(m, s[0], 1, 0)
			brokertest.SayEnd(m, 3, 0)
		},
		"all are left out": func(m *nats.Msg, _ []string) { brokertest.SayEnd(m, 3, 0) },
		"one has gone meanwhile": func(m *nats.Msg, s []string) {
			sayEntry(m, s[0], 1, 0)
			brokertest.Say(m, "", "Status", "404", "Description", "Message Not Found")
		},
		"the first has gone meanwhile": func(m *nats.Msg, _ []string) {
			brokertest.Say(m, "", "Status", "404", "Description", "Message Not Found")
		},
	} {
		l.script(lie)
		d.Forget()
		if n := len(devicesOf(t, d, users...)); n != len(users) {
			t.Errorf("%s: %d of %d users have devices", name, n, len(users))
		}
		d.Forget()
		l.script(lie, lie, lie, lie, lie)
		if found, err := d.Devices(t.Context(), users, ""); err == nil {
			t.Errorf("%s, again and again: %d users, no error", name, len(found))
		}
	}
}

func TestAnswerInPartsIsPutTogether(t *testing.T) {
	t.Parallel()
	l, d, _ := newScripted(t)
	l.script(
		func(m *nats.Msg, s []string) { truthOf(m, s, 2) },
		func(m *nats.Msg, s []string) {
			if len(s) != 4 { // three users and the mask
				t.Errorf("asked for %d again, want 4", len(s))
			}
			truthOf(m, s, 1)
		},
	)
	if n := len(devicesOf(t, d, 1, 2, 3, 4, 5)); n != 5 {
		t.Errorf("%d of 5 users have devices", n)
	}
}

func TestAnswerThatWentToTheOldConnectionIsAskedForAgain(t *testing.T) {
	t.Parallel()
	l, d, wire := newScripted(t)
	began := make(chan struct{})
	l.script(func(m *nats.Msg, s []string) {
		sayEntry(m, s[0], 1, 0)
		close(began)
	})
	go func() {
		<-began
		wire.Cut()
	}()
	if n := len(devicesOf(t, d, 1, 2)); n != 2 {
		t.Errorf("%d of 2 users have devices", n)
	}
}

func TestAnswerThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	l, d, _ := newScripted(t)
	for name, c := range map[string]struct {
		lie  func(*nats.Msg, []string)
		want string
	}{
		"a refusal":       {func(m *nats.Msg, _ []string) { brokertest.Say(m, "", "Status", "408", "Description", "Bad Request") }, "408 Bad Request"},
		"nobody is there": {func(m *nats.Msg, _ []string) { brokertest.Say(m, "", "Status", "503") }, "no bucket"},
		"silence": {func(m *nats.Msg, s []string) {
			sayEntry(m, s[0], 1, 0) // and no more
		}, "deadline"},
	} {
		l.script(c.lie)
		found, err := d.Devices(t.Context(), []push.Uid{1, 2}, "")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want an error that says %q", name, found, err, c.want)
		}
	}
	nothing := func(m *nats.Msg, _ []string) { brokertest.Say(m, "", "Status", "404", "Description", "No Results") }
	l.script(nothing, nothing, nothing, nothing)
	if found, err := d.Devices(t.Context(), []push.Uid{1, 2}, ""); !errors.Is(err, devices.ErrNoBucket) {
		t.Errorf("%v, %v of a bucket that is empty, want ErrNoBucket", found, err)
	}
	if _, err := d.Put(t.Context(), push.Device{User: 1, ID: "1", Provider: "fcm", Token: "x"}); !errors.Is(err, devices.ErrNoBucket) {
		t.Errorf("Put without a bucket: %v", err)
	}
}
