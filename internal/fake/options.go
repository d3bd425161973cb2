package fake

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Options say how a [Server] behaves. The zero value listens on a free loopback
// port without TLS and takes every push that the provider would.
type Options struct {
	// Addr is the TCP address to listen on; default 127.0.0.1:0.
	Addr string
	// TLS serves HTTPS. Without CertFile a certificate for localhost, the loopback
	// addresses and Addr's host is made at the start; see [Server.CAPEM].
	TLS bool
	// TLSAddr is a second address, on which it serves HTTPS; empty for none.
	TLSAddr string
	// CertFile and KeyFile are a certificate chain and its key in PEM; they imply TLS.
	CertFile, KeyFile string
	// MaxStreams is announced as SETTINGS_MAX_CONCURRENT_STREAMS; default 100.
	MaxStreams uint32
	// Latency passes between a request and its answer, unless a rule says otherwise.
	Latency time.Duration
	// Script is followed from the start.
	Script Script

	// Log receives one line of JSON per push; nil means none. Targets are in it
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
	o.TLS = o.TLS || o.CertFile != "" && o.TLSAddr == ""
	o.MaxStreams = cmp.Or(o.MaxStreams, 100)
	o.Keep = cmp.Or(o.Keep, 1024)
	return o
}

// validate reports every fault at once, beside those that the kind has found.
func (o Options) validate(faults []error) error {
	if _, _, err := net.SplitHostPort(o.Addr); err != nil {
		faults = append(faults, fmt.Errorf("address %q: %w; write host:port", o.Addr, err))
	}
	if _, _, err := net.SplitHostPort(o.TLSAddr); err != nil && o.TLSAddr != "" {
		faults = append(faults, fmt.Errorf("address %q: %w; write host:port", o.TLSAddr, err))
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		faults = append(faults, errors.New("a certificate needs its key and a key its certificate: give both files or neither"))
	}
	if o.Latency < 0 || o.Keep < 0 {
		faults = append(faults, errors.New("latency and keep can't be negative"))
	}
	if len(faults) == 0 {
		return nil
	}
	return &OptionsError{errors.Join(faults...)}
}

// OptionsError is returned by [New] for options that can't be meant.
type OptionsError struct{ Err error }

// Error implements error.
func (e *OptionsError) Error() string { return e.Err.Error() }

// Unwrap gives access to the single faults.
func (e *OptionsError) Unwrap() error { return e.Err }
