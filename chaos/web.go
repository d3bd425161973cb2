package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/internal/sleep"
)

// The scripts of the fake push server; docs/webpush.md lists its answers.
const (
	scriptWebDown  = `{"rules":[{"answer":"unavailable"}]}`
	scriptWebStorm = `{"rules":[{"probability":0.02,"answer":"throttled","retry_after":"1-3"},{"probability":0.05,"answer":"bad-gateway-html"}]}`
	scriptWebKey   = `{"rules":[{"probability":0.5,"answer":"vapid-missing"},{"answer":"vapid-refused"}]}`
)

// A VAPID key pair, and another private key; they are of no service.
const (
	vapidPrivate = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
	vapidOther   = "cGQ5-_NtCKdHmQtdcdJ0VWNrmOw9pktZjI_v8Pk-VW8"
	vapidPublic  = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
)

// webScenarios are those of the handler webpush, with one push server.
func webScenarios() []scenario {
	s := usual(2).with(func(s *shape) { s.provider = "webpush" })
	script := func(name, text string) func(p *planner) []step {
		return func(p *planner) []step {
			return []step{p.once(step{do: scriptFake, name: name, how: text}, p.scale.outage)}
		}
	}
	return []scenario{
		{"webpush-down", "the push server answers 503", []string{"T10"}, s, script("503", scriptWebDown)},
		{"webpush-429", "the push server throttles, and has a proxy that fails", []string{"T11"}, s, script("429 storm", scriptWebStorm)},
		{
			"webpush-resets", "streams and connections to the push server are reset",
			[]string{"T9"},
			s,
			func(p *planner) []step {
				return merge([]step{p.once(step{do: scriptFake, name: "resets", how: scriptResets}, p.scale.outage)},
					p.every(3*time.Second, func(int) step { return step{do: treatFake, how: "cut"} }))
			},
		},
		{"webpush-credentials", "the push server takes nobody's word for who sends", []string{"T20"}, s, script("403", scriptWebKey)},
		{
			"webpush-wrong-key", "workers are started with another VAPID key than browsers have subscribed with",
			[]string{"T20"},
			s,
			func(p *planner) []step { return []step{p.once(step{do: mistakeKey}, p.scale.outage)} },
		},
	}
}

// web reports whether pushes go to the fake push server.
func (w *world) web() bool { return w.provider == "webpush" }

// webConfig is the config of the handler webpush.
func (w *world) webConfig(ttl string) map[string]any {
	key := vapidPrivate
	if w.wrongKey.Load() {
		key = vapidOther
	}
	return map[string]any{
		"buffer": buffer, "timeout": w.timeout.String(), "time_to_live": ttl,
		"origins": []string{w.fakeURL}, "allow_private": []string{w.hosts[1] + "/32"},
		"vapid": []map[string]string{{"id": "1", "key": key}}, "subject": "mailto:push@example.com", "url": "https://chat.example.com/#{topic}",
	}
}

// learns is how soon after its start a worker has noticed that its key is wrong: after 20
// subscriptions, and what was in flight.
const learns = 2 * time.Second

// mistakeKey has all workers run with another VAPID key for a while. They must leave the
// push server alone then. That they have removed no device, shows what arrives after it.
func (f *faults) mistakeKey(ctx context.Context, long time.Duration) error {
	f.wrongKey.Store(true)
	if err := errors.Join(f.restartWorkers(ctx), sleep.For(ctx, learns)); err != nil {
		return err
	}
	noticed, err := f.mismatches(ctx)
	if err == nil {
		err = sleep.For(ctx, long)
	}
	all, err2 := f.mismatches(ctx)
	f.wrongKey.Store(false)
	if err := errors.Join(err, err2, f.restartWorkers(ctx)); err != nil {
		return err
	}
	if noticed == 0 {
		return errors.New("nothing was refused with another VAPID key: it proves nothing")
	}
	if most := len(f.workers) * (int(long.Seconds()) + 2); all-noticed > most {
		return fmt.Errorf("%d pushes with the wrong VAPID key after the first %d, at most %d should be", all-noticed, noticed, most)
	}
	return nil
}

// mismatches is how many pushes were refused because of the VAPID key.
func (w *world) mismatches(ctx context.Context) (int, error) {
	text, err := call(ctx, http.MethodGet, w.fakeURL+"/fake/stats", "")
	if err != nil {
		return 0, err
	}
	var stats struct {
		Answers map[string]int `json:"answers"`
	}
	if err := json.Unmarshal(text, &stats); err != nil {
		return 0, fmt.Errorf("read the provider's counters: %w", err)
	}
	return stats.Answers["vapid-mismatch"], nil
}

// fakeWeb is the process that stands in for a push server at addr.
func (w *world) fakeWeb(addr string) process.Spec {
	return process.Spec{Dir: w.dir, Env: w.environ(), Args: []string{
		w.programs.worker, "fake", "webpush", "--tls", addr, "--ca", w.certificate(), "--key", vapidPublic, "--reveal", "--latency", w.latency.String(),
	}}
}

// subscriptions asks the fake for what its subscriptions have beside their names, and
// returns what makes a user's.
func (w *world) subscriptions(ctx context.Context) (func(user uint64) string, error) {
	const name = "user-"
	text, err := call(ctx, http.MethodGet, w.fakeURL+"/subscription/"+name, "")
	if err != nil {
		return nil, err
	}
	var s struct {
		Endpoint string            `json:"endpoint"`
		Keys     map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(text, &s); err != nil || !strings.HasSuffix(s.Endpoint, name) {
		return nil, fmt.Errorf("read a subscription: %w", err)
	}
	return func(user uint64) string {
		one := s
		one.Endpoint += strconv.FormatUint(user, 10)
		text, _ := json.Marshal(one) //nolint:errchkjson // strings
		return string(text)
	}, nil
}

// webUser is the user of a subscription's name.
func webUser(name string) uint64 {
	user, _ := strconv.ParseUint(strings.TrimPrefix(name, "user-"), 10, 64) // 0 is unexpected
	return user
}
