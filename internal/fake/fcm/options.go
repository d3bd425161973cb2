package fcm

import (
	"cmp"
	"crypto/rsa"
	"errors"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

// Options say how a [Server] behaves. The zero value listens on a free loopback
// port without TLS and accepts what FCM would.
type Options struct {
	fake.Options

	// Projects are the projects that may send; none means every one. Another gets
	// 403 permission-denied.
	Projects []string
	// AnyBearer accepts every bearer token. Otherwise only those in Bearers and
	// those issued by the token endpoint are.
	AnyBearer bool
	// Bearers are access tokens that never expire.
	Bearers []string
	// TokenLifetime is how long an issued access token lives; default 3599 s.
	TokenLifetime time.Duration
	// TokenKeys check the signature of assertions at the token endpoint, beside the
	// keys that [Server.ServiceAccount] makes. With none at all it is not checked.
	TokenKeys []*rsa.PublicKey

	// ProjectPerMinute is the quota of requests per project and minute (Google's
	// default is 600,000); 0 means none. The minutes are not aligned to the clock.
	ProjectPerMinute int
	// DevicePerMinute is the quota of messages per token and minute (FCM's is 240);
	// 0 means none.
	DevicePerMinute int
}

func (o Options) withDefaults() Options {
	o.TokenLifetime = cmp.Or(o.TokenLifetime, 3599*time.Second)
	return o
}

// faults are what can't be meant.
func (o Options) faults() []error {
	if o.TokenLifetime < 0 || o.ProjectPerMinute < 0 || o.DevicePerMinute < 0 {
		return []error{errors.New("token lifetime and quotas can't be negative")}
	}
	return nil
}
