package push

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

const (
	defaultBuffer  = 1024
	defaultTimeout = 30 * time.Second
	maxBuffer      = 1 << 20
	maxConcurrency = 1 << 16
)

// Common holds the keys that the config of every handler may have. Durations are
// strings such as "1m30s" or "1d", or numbers of seconds. In numbers and durations zero
// means the default.
type Common struct {
	// Enabled says whether the handler runs. The default is true; in Tinode it is false.
	Enabled bool `json:"enabled"`
	// Buffer is how many receipts may wait in the handler's channel, at most 1048576.
	// The default is 1024, or one and a half times the concurrency if that is more, also for
	// negative values.
	Buffer int `json:"buffer"`
	// Concurrency is how many receipts the handler works on at the same time, at
	// most 65536. Handlers that send to devices count the recipients. The default is the
	// handler's own.
	Concurrency int `json:"concurrency"`
	// Timeout is how long the handler may work on one receipt. The default is 30 s.
	Timeout time.Duration `json:"timeout"`
	// Apps lists the apps whose devices the handler serves, named as in the member app of devices. ""
	// means devices without an app. The default is all devices of its type.
	Apps []string `json:"apps"`
	// Retry overrides the worker's retry policy. The worker applies it; the handler ignores it.
	Retry RetryConfig `json:"retry"`
}

// Takes reports whether d is of one of Apps.
func (c Common) Takes(d Device) bool {
	return len(c.Apps) == 0 || slices.Contains(c.Apps, d.More().App)
}

// RetryConfig overrides parts of a retry policy; what is zero is left to the
// worker's configuration.
type RetryConfig struct {
	// Base is the upper bound of the first delay. The bound doubles with each attempt.
	Base time.Duration `json:"base"`
	// Cap is the upper bound of every delay.
	Cap time.Duration `json:"cap"`
	// MaxAge is the age at which a receipt that failed becomes a dead letter.
	MaxAge time.Duration `json:"max_age"`
	// MaxAttempts is the number of failed attempts after which a receipt becomes a dead letter.
	MaxAttempts int `json:"max_attempts"`
}

// Retrier is a Handler whose provider wants another retry policy than the worker's. What
// the handler's config sets under "retry" wins over it.
type Retrier interface {
	Handler
	// Retry is the policy, as far as it differs. It is called between Init and Stop.
	Retry() RetryConfig
}

// Retry implements [Retrier] with Work.Retry.
func (a *Adapter) Retry() RetryConfig {
	if p := a.pool.Load(); p != nil {
		return p.work.Retry
	}
	return RetryConfig{}
}

// ParseCommon reads the common keys from the text of a handler's config and
// leaves the other keys to the handler; see [DecodeConfig]. Empty text and null
// are an empty config. All faults are reported at once, joined.
func ParseCommon(jsonconf string) (Common, error) {
	c, err := parseCommon(jsonconf)
	c.Buffer = cmp.Or(c.Buffer, defaultBuffer)
	return c, err
}

// parseCommon is ParseCommon with a Buffer of 0 for the default.
func parseCommon(jsonconf string) (Common, error) {
	c := Common{Enabled: true}
	d := configDecoder{ignored: func(string) bool { return true }}
	d.text(jsonconf, reflect.ValueOf(&c).Elem())
	d.check(c)
	c.Buffer = max(0, c.Buffer)
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return c, errors.Join(d.faults...)
}

// check reports values that are of the right type and make no sense.
func (d *configDecoder) check(c Common) {
	d.atMost("buffer", c.Buffer, maxBuffer)
	d.atMost("concurrency", c.Concurrency, maxConcurrency)
	d.notNegative("concurrency", c.Concurrency < 0)
	d.notNegative("timeout", c.Timeout < 0)
	d.notNegative("retry.base", c.Retry.Base < 0)
	d.notNegative("retry.cap", c.Retry.Cap < 0)
	d.notNegative("retry.max_age", c.Retry.MaxAge < 0)
	d.notNegative("retry.max_attempts", c.Retry.MaxAttempts < 0)
	if c.Apps != nil && len(c.Apps) == 0 {
		d.fault("apps", "is empty: list the apps, or leave it out for all")
	}
	if c.Retry.Cap > 0 && c.Retry.Base > c.Retry.Cap {
		d.fault("retry.base", fmt.Sprintf("is %s, more than retry.cap, %s: lower the one or raise the other", c.Retry.Base, c.Retry.Cap))
	}
}

func (d *configDecoder) atMost(key string, value, limit int) {
	if value > limit {
		d.fault(key, fmt.Sprintf("is %d: want at most %d", value, limit))
	}
}

func (d *configDecoder) notNegative(key string, negative bool) {
	if negative {
		d.fault(key, "is negative: leave it out for the default")
	}
}

// DecodeConfig decodes the text of a handler's config into the struct that into
// points to, which holds the handler's own keys under their json tags and its
// defaults as their values. Fields of type [time.Duration] take strings such as
// "1m30s", or numbers of seconds. Empty text and null are an empty config.
//
// It is strict, in nested structs too: a key that neither the struct nor [Common]
// has is a fault that names the known ones; keys that begin with "_" or "$" are
// comments. Names match in any case, as encoding/json has it. All faults are
// reported at once, joined, each with the path of its key; none quotes a value.
func DecodeConfig(jsonconf string, into any) error {
	d := configDecoder{ignored: isCommonKey}
	d.text(jsonconf, reflect.ValueOf(into).Elem())
	return errors.Join(d.faults...)
}

func isCommonKey(key string) bool {
	_, ok := findField(reflect.TypeFor[Common](), key)
	return ok
}
