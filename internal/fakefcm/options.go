package fakefcm

import (
	"cmp"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Options say how a [Server] behaves. The zero value listens on a free loopback
// port without TLS and accepts what FCM would.
type Options struct {
	// Addr is the TCP address to listen on; default 127.0.0.1:0.
	Addr string
	// TLS serves HTTPS. Without CertFile a certificate for localhost, the loopback
	// addresses and Addr's host is made at the start; see [Server.CAPEM].
	TLS bool
	// CertFile and KeyFile are a certificate chain and its key in PEM; they imply TLS.
	CertFile, KeyFile string
	// MaxStreams is announced as SETTINGS_MAX_CONCURRENT_STREAMS; default 100.
	MaxStreams uint32
	// Latency passes between a request and its answer, unless a rule says otherwise.
	Latency time.Duration
	// Script is followed from the start.
	Script Script

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

	// Log receives one line of JSON per request; nil means none. Tokens are in it
	// as a short keyed hash and message content is not.
	Log io.Writer
	// Reveal shows tokens and messages in the log and below /fake/.
	Reveal bool
	// Keep is how many requests [Server.Requests] remembers; default 1024.
	Keep int
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	o.TLS = o.TLS || o.CertFile != ""
	o.MaxStreams = cmp.Or(o.MaxStreams, 100)
	o.TokenLifetime = cmp.Or(o.TokenLifetime, 3599*time.Second)
	o.Keep = cmp.Or(o.Keep, 1024)
	return o
}

// validate reports every fault at once.
func (o Options) validate() error {
	var faults []error
	if _, _, err := net.SplitHostPort(o.Addr); err != nil {
		faults = append(faults, fmt.Errorf("address %q: %w; write host:port", o.Addr, err))
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		faults = append(faults, errors.New("a certificate needs its key and a key its certificate: give both files or neither"))
	}
	if o.Latency < 0 || o.TokenLifetime < 0 || o.ProjectPerMinute < 0 || o.DevicePerMinute < 0 || o.Keep < 0 {
		faults = append(faults, errors.New("latency, token lifetime, quotas and keep can't be negative"))
	}
	if len(faults) == 0 {
		return nil
	}
	return &OptionsError{errors.Join(faults...)}
}

// OptionsError is returned by [Start] for options that can't be meant.
type OptionsError struct{ Err error }

// Error implements error.
func (e *OptionsError) Error() string { return e.Err.Error() }

// Unwrap gives access to the single faults.
func (e *OptionsError) Unwrap() error { return e.Err }
