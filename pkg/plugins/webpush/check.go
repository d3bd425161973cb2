package webpush

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// maxAsked bounds how many push servers a check asks.
const maxAsked = 8

// check says with which keys browsers must have subscribed, and asks the push servers that
// the config names about a subscription that is none: Web Push has no dry run.
func (s *sender) check(ctx context.Context) []push.Finding {
	var found []push.Finding
	for _, k := range s.config.VAPID {
		found = append(found, push.Finding{
			Level: push.LevelOK, Check: strings.TrimSpace("vapid key " + k.ID),
			Text: "browsers that subscribe with it have applicationServerKey " + k.Key.public,
		})
	}
	for _, endpoint := range s.config.madeUp() {
		found = append(found, s.ask(ctx, endpoint)...)
	}
	return found
}

// madeUp are endpoints of subscriptions that do not exist.
func (c *Config) madeUp() (all []string) {
	const none = "/pushworker-doctor-no-such-subscription"
	known := map[string]string{
		".googleapis.com": "https://fcm.googleapis.com/fcm/send" + none, ".push.apple.com": "https://web.push.apple.com" + none,
		".push.services.mozilla.com": "https://updates.push.services.mozilla.com/wpush/v2" + none,
	}
	for _, p := range c.patterns {
		switch {
		case len(all) == maxAsked || p.any:
		case p.star && known[p.host] != "":
			all = append(all, known[p.host])
		case !p.star:
			host := p.host
			if p.port != "" {
				host += ":" + p.port
			}
			all = append(all, p.scheme+"://"+host+none)
		}
	}
	return all
}

// ask sends a message past the line.
func (s *sender) ask(ctx context.Context, endpoint string) []push.Finding {
	u, err := parseEndpoint(endpoint)
	owner, failed := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil || failed != nil {
		return nil // ours are in order
	}
	to := &subscription{origin: u.Scheme + "://" + u.Host, path: u.RequestURI(), public: owner.PublicKey(), auth: make([]byte, authBytes)}
	var status int
	var said line.Answer
	found := s.line.Examine(ctx, to.origin, func(ctx context.Context, peek func(line.Exchange), answered func(line.Answer)) {
		r := &request{
			sender: s, ctx: ctx, to: to, origin: s.origins.get(to.origin), last: true,
			message:  &message{text: []byte("{}"), kind: kindData, ttl: "1", urgency: "very-low"},
			peek:     func(x line.Exchange) { status = x.Status; peek(x) },
			answered: func(a line.Answer) { said = a; answered(a) },
		}
		r.send()
	})
	found[0] = finding(to.origin, status, said) // what concerns a subscription is in order here
	return found
}

// finding is what the answer about a subscription that is none says of the set-up.
func finding(origin string, status int, a line.Answer) push.Finding {
	f := push.Finding{Level: push.LevelOK, Check: origin}
	switch {
	case a.Fate != line.Again, a.Code == codeAway:
		f.Text = fmt.Sprintf("answers, and takes our VAPID key as far as it can tell from a made-up subscription (%d)", status)
	case strings.HasPrefix(a.Code, line.CodeQuota):
		f.Level, f.Text, f.Remedy = push.LevelWarn, a.Err.Error(), "wait: the lane does so by itself"
	case status != 0:
		f.Level, f.Text, f.Remedy = push.LevelFail, a.Err.Error(), "correct what it says; the lane tries again by itself"
	default:
		f.Level, f.Text = push.LevelFail, "no answer: "+a.Err.Error()
		f.Remedy = "check the network; a private address needs allow_private, and no proxy is used for servers that only * admits"
	}
	return f
}
