package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakeapns "github.com/pushworker/pushworker/internal/fake/apns"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	fakewebpush "github.com/pushworker/pushworker/internal/fake/webpush"
)

const project = "bench"

// fakeOptions are those of a fake child.
type fakeOptions struct {
	Kind string `json:"kind"` // the provider, by its lane's name
	Dir  string `json:"dir"`  // for its certificate and credentials
	Down bool   `json:"down"` // every answer is 503
}

// fakeMeter counts what a fake accepts.
type fakeMeter struct {
	meter

	server  *fake.Server
	mu      sync.Mutex
	latency time.Duration
	seed    maphash.Seed
	seen    map[uint64]struct{}
	twice   int64
	failed  int64
	last    []byte
	before  fake.Stats
}

// serveFake is a fake in a process of its own: HTTP/2 over TLS, with as many streams for
// a connection as pushworker fake allows.
func serveFake(_ context.Context, options []byte) error {
	var o fakeOptions
	if err := json.Unmarshal(options, &o); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	server, hello, err := startFake(o)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	if o.Down {
		if err := server.SetScript(fake.Script{Rules: []fake.Rule{{Answer: "unavailable"}}}); err != nil {
			return err
		}
	}
	m := &fakeMeter{server: server, seed: maphash.MakeSeed(), seen: make(map[uint64]struct{})}
	requests, stop := server.Subscribe(1 << 16)
	defer stop()
	go func() {
		for r := range requests {
			m.note(&r)
		}
	}()
	return serve(hello, m.answer)
}

// startFake starts the fake of a kind, and says where what clients need is.
func startFake(o fakeOptions) (*fake.Server, reply, error) {
	common := fake.Options{TLS: true, Keep: 1}
	switch o.Kind {
	case apnsLane:
		common.MaxStreams = 1000
		s, err := fakeapns.Start(fakeapns.Options{Options: common})
		if err != nil {
			return nil, reply{}, err
		}
		return introduce(s.Server, o.Dir, "", s.Key())
	case webpushLane:
		s, err := fakewebpush.Start(fakewebpush.Options{Options: common})
		if err != nil {
			return nil, reply{}, err
		}
		subscription, err := json.Marshal(s.Subscription("")) // what those of all users begin with
		if err != nil {
			return nil, reply{}, fmt.Errorf("encode a subscription: %w", err)
		}
		return introduce(s.Server, o.Dir, "", subscription)
	}
	s, err := fakefcm.Start(fakefcm.Options{Options: common, AnyBearer: true})
	if err != nil {
		return nil, reply{}, err
	}
	account, err := s.ServiceAccount(project)
	if err != nil {
		return nil, reply{}, err
	}
	return introduce(s.Server, o.Dir, "/v1", account)
}

// introduce writes what clients need.
func introduce(server *fake.Server, dir, path string, credentials []byte) (*fake.Server, reply, error) {
	r := reply{URL: server.URL() + path, CA: filepath.Join(dir, "ca.pem"), Credentials: filepath.Join(dir, "credentials")}
	err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(r.CA, server.CAPEM(), 0o600), os.WriteFile(r.Credentials, credentials, 0o600))
	if err != nil {
		return nil, reply{}, fmt.Errorf("write the fake's credentials: %w", err)
	}
	return server, r, nil
}

// note counts one request. A push is accepted when the provider's latency has
// passed; the answer's way back is not in it.
func (m *fakeMeter) note(r *fake.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = r.Body
	if !r.Accepted {
		m.failed++
		return
	}
	var h maphash.Hash
	h.SetSeed(m.seed)
	_, _ = h.WriteString(r.Target)
	_, _ = h.Write(member(r.Body, "seq"))
	push := h.Sum64()
	if _, again := m.seen[push]; again {
		m.twice++
		return
	}
	m.seen[push] = struct{}{}
	sent, err := time.Parse(time.RFC3339Nano, string(member(r.Body, "ts")))
	if err != nil {
		m.failed++
		return
	}
	m.count(sent, r.Time.Add(m.latency))
}

// member is the value of a member of a message's data, which are all strings with every
// provider.
func member(body []byte, name string) []byte {
	_, after, _ := bytes.Cut(body, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(after, []byte(`"`))
	return value
}

func (m *fakeMeter) answer(q question) (reply, error) {
	switch q.Do {
	case "begin":
		m.mu.Lock()
		defer m.mu.Unlock()
		clear(m.seen)
		m.twice, m.failed, m.before = 0, 0, m.server.Stats()
		m.begin(q.Want, q.Start)
		return reply{}, nil
	case "latency":
		m.mu.Lock()
		defer m.mu.Unlock()
		m.latency = q.Latency
		return reply{}, m.server.SetScript(fake.Script{Rules: []fake.Rule{{Latency: fake.Duration(q.Latency)}}})
	case "stats":
		m.mu.Lock()
		defer m.mu.Unlock()
		s := m.server.Stats()
		if s.Missed > 0 {
			return reply{}, errors.New("the fake's counting was too slow: nothing can be said about this row")
		}
		return reply{
			Failed: m.failed, Twice: m.twice, Open: s.Open, Dialled: s.Connections - m.before.Connections,
			Streams: s.MaxStreamsOfOne, Last: m.last,
		}, nil
	}
	return m.meter.answer(q)
}
