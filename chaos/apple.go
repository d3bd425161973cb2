package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/internal/sleep"
)

// The scripts of the fake APNs; docs/apns.md lists its answers.
const (
	scriptAppleDown  = `{"rules":[{"answer":"service-unavailable"}]}`
	scriptAppleStorm = `{"rules":[{"probability":0.02,"answer":"too-many-requests"},{"probability":0.02,"answer":"too-many-provider-token-updates"},` +
		`{"probability":0.02,"answer":"shutdown"}]}`
	scriptAppleKey = `{"rules":[{"probability":0.5,"answer":"expired-provider-token"},{"answer":"invalid-provider-token"}]}`
)

// appleScenarios are those of the handler apns.
func appleScenarios() []scenario {
	s := usual(2).with(func(s *shape) { s.provider = "apns" })
	script := func(name, text string) func(p *planner) []step {
		return func(p *planner) []step {
			return []step{p.once(step{do: scriptFake, name: name, how: text}, p.scale.outage)}
		}
	}
	return []scenario{
		{
			"apns-down", "Apple answers 503",
			[]string{"T10"},
			s.with(func(s *shape) { s.maxCalls = 1 }), script("503", scriptAppleDown),
		},
		{"apns-429", "devices get too much, connections have seen too many tokens, servers shut down", []string{"T11"}, s, script("429 storm", scriptAppleStorm)},
		{
			"apns-resets", "streams and connections to Apple are reset",
			[]string{"T9"},
			s,
			func(p *planner) []step {
				return merge([]step{p.once(step{do: scriptFake, name: "resets", how: scriptResets}, p.scale.outage)},
					p.every(3*time.Second, func(int) step { return step{do: treatFake, how: "cut"} }))
			},
		},
		{"apns-credentials", "provider tokens are called expired, and the key invalid", []string{"T20"}, s, script("403", scriptAppleKey)},
	}
}

// apple reports whether pushes go to the fake APNs.
func (w *world) apple() bool { return w.provider == "apns" }

// apnsConfig is the config of the handler apns.
func (w *world) apnsConfig(ttl string) map[string]any {
	return map[string]any{
		"buffer": buffer, "timeout": w.timeout.String(), "time_to_live": ttl, "endpoint": w.fakeURL,
		"key_file": w.credentials(), "key_id": "FAKEKEY001", "team_id": "FAKETEAM01", "topic": "com.example.app",
	}
}

// certificate is the file with the fake's certificate, which workers trust.
func (w *world) certificate() string { return filepath.Join(w.dir, "ca.pem") }

// fakeAPNs is the process that stands in for Apple at addr.
func (w *world) fakeAPNs(addr string) process.Spec {
	return process.Spec{Dir: w.dir, Env: w.environ(), Args: []string{
		w.programs.worker, "fake", "apns", "--tls", addr, "--key", w.credentials(), "--ca", w.certificate(), "--reveal",
		"--max-streams", "50", "--latency", w.latency.String(),
	}}
}

// fakeSpec is the process that stands in for the provider at addr.
func (w *world) fakeSpec(addr string) process.Spec {
	if w.apple() {
		return w.fakeAPNs(addr)
	}
	if w.web() {
		return w.fakeWeb(addr)
	}
	return process.Spec{Dir: w.dir, Env: w.environ(), Args: []string{
		w.programs.worker, "fakefcm", "--addr", addr, "--tls", "--ca-out", w.certificate(), "--credentials", w.credentials(), "--reveal",
		"--latency", w.latency.String(),
	}}
}

// written waits until the files are there and not empty.
func written(ctx context.Context, files ...string) error {
	for _, file := range files {
		for {
			if info, err := os.Stat(file); err == nil && info.Size() > 0 {
				break
			}
			if err := sleep.For(ctx, 5*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// appleToken is the token of a user's device, and appleUser the way back.
func appleToken(user uint64) string { return fmt.Sprintf("%064x", user) }

func appleUser(token string) uint64 {
	user, _ := strconv.ParseUint(token, 16, 64) // 0 is unexpected
	return user
}
