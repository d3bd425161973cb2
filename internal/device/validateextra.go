package device

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pushworker/pushworker/pkg/push"
)

// maxApp is the greatest length of an app in bytes. Bundle ids have up to 155.
const maxApp = 255

// The lengths in bytes that RFC 8291 gives the keys of a subscription.
const (
	p256dhBytes = 65
	authBytes   = 16
)

// validateExtra returns every fault of e.
func validateExtra(e push.Extra) error {
	return errors.Join(validateApp(e.App), validateKind(e.Kind), validateEnv(e.Env), validateKeys(e.Keys), validateFailing(e.Failing))
}

var errFailing = errors.New("failing is not as a worker has written it: leave it out")

// validateFailing bounds what only a worker writes, and copies have.
func validateFailing(f push.Failing) error {
	if len(f.Why) > maxReason || strings.Trim(f.Why, "abcdefghijklmnopqrstuvwxyz-") != "" || (f.Why == "") != f.Since.IsZero() {
		return errFailing
	}
	return nil
}

func validateApp(s string) error {
	if len(s) > maxApp || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_") != "" {
		return fmt.Errorf("app is not a name: use at most %d of a-z, A-Z, 0-9, \".\", \":\", - and _, or leave it out", maxApp)
	}
	return nil
}

// Kinds are what devices may have beside none.
func Kinds() []string { return []string{"voip"} }

// Envs are the environments of a provider.
func Envs() []string { return []string{"production", "sandbox"} }

func validateKind(s string) error {
	if s != "" && !slices.Contains(Kinds(), s) {
		return fmt.Errorf("kind is unknown: use %s for a token that takes calls, or leave it out", strings.Join(Kinds(), " or "))
	}
	return nil
}

func validateEnv(s string) error {
	if s != "" && !slices.Contains(Envs(), s) {
		return fmt.Errorf("env is unknown: use %s, or leave it out", strings.Join(Envs(), " or "))
	}
	return nil
}

// validateKeys quotes nothing of k, which is secret.
func validateKeys(k push.Keys) error {
	if k == (push.Keys{}) {
		return nil
	}
	return errors.Join(validateKey("p256dh", k.P256DH, p256dhBytes), validateKey("auth", k.Auth, authBytes))
}

func validateKey(name, s string, size int) error {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || len(b) != size {
		return fmt.Errorf("keys.%s is not %d bytes in base64url: send the subscription's keys as the browser gave them", name, size)
	}
	return nil
}
