package channel

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pushworker/pushworker/pkg/push"
)

// product is every channel with every token; empty without any of either.
type product struct {
	Channels []string `json:"channels,omitempty"`
	Tokens   []string `json:"tokens,omitempty"`
}

// of makes a product in canonical form.
func productOf(channels, tokens []string) product {
	if len(channels) == 0 || len(tokens) == 0 {
		return product{}
	}
	channels, tokens = slices.Clone(channels), slices.Clone(tokens)
	slices.Sort(channels)
	slices.Sort(tokens)
	return product{slices.Compact(channels), slices.Compact(tokens)}
}

func (p product) equal(q product) bool {
	return slices.Equal(p.Channels, q.Channels) && slices.Equal(p.Tokens, q.Tokens)
}

func (p product) hasToken(token string) bool {
	_, is := slices.BinarySearch(p.Tokens, token)
	return is
}

func (p product) has(channel, token string) bool {
	_, is := slices.BinarySearch(p.Channels, channel)
	return is && p.hasToken(token)
}

// with is the smallest product that has all of both.
func (p product) with(q product) product {
	if len(p.Tokens) == 0 {
		return q
	}
	return productOf(slices.Concat(p.Channels, q.Channels), slices.Concat(p.Tokens, q.Tokens))
}

// within is what both have.
func (p product) within(q product) product {
	return productOf(both(p.Channels, q.Channels), both(p.Tokens, q.Tokens))
}

// without is p without tokens.
func (p product) without(tokens map[string]bool) product {
	return productOf(p.Channels, slices.DeleteFunc(slices.Clone(p.Tokens), func(t string) bool { return tokens[t] }))
}

func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool {
		_, is := slices.BinarySearch(b, s)
		return !is
	})
}

// record is what a provider has been told of a user's devices. What it has subscribed is
// no less than has, and no more than may.
type record struct {
	Has product `json:"has,omitzero"`
	May product `json:"may,omitzero"`
}

// value is the value of the record's key; nil for nothing.
func (r record) value() ([]byte, error) {
	if r.May.equal(product{}) {
		return nil, nil
	}
	value, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding a record of subscriptions: %w", err)
	}
	return value, nil
}

func readRecord(key string, value []byte) (r record, err error) {
	if value == nil {
		return r, nil
	}
	if err = json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("the record of subscriptions %s is damaged: remove it with `nats kv del push-channels %s`", key, key)
	}
	return r, nil
}

// appliedKey is the key of what handler has told its provider of user.
func appliedKey(handler string, user push.Uid) string { return appliedKeys(handler) + user.String() }

// Applied are the keys of what providers have been told of a user, with a wildcard for
// the handler; AppliedBy begins those of one handler.
func Applied(user push.Uid) string { return appliedKey("*", user) }

// AppliedBy begins the keys of what one handler has told its provider.
func AppliedBy(handler string) string { return appliedKeys(handler) }

// appliedKeys begins the keys of handler.
func appliedKeys(handler string) string { return appliedPrefix + handler + "." }
