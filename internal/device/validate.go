package device

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pushworker/pushworker/pkg/push"
)

// The greatest lengths in bytes.
const (
	maxID       = 4096 // chat servers take the token for it
	maxProvider = 32
	maxPlatform = 32
	maxToken    = 4096 // a web push subscription as JSON is about 500
	maxLang     = 35
)

// InvalidError is a device that cannot be registered.
type InvalidError struct{ Err error }

func (e *InvalidError) Error() string { return e.Err.Error() }

// Unwrap returns every fault.
func (e *InvalidError) Unwrap() error { return e.Err }

// Validate returns an [*InvalidError] with every fault of d.
func Validate(d push.Device) error {
	err := errors.Join(
		validateUser(d.User),
		validateText("id", d.ID, maxID),
		validateProvider(d.Provider),
		validatePlatform(d.Platform),
		validateToken(d.Token),
		validateLang(d.Lang),
		validateExtra(d.More()),
	)
	if err != nil {
		return &InvalidError{err}
	}
	return nil
}

func validateUser(u push.Uid) error {
	if u == 0 {
		return errors.New("user is missing: give usr…, its 11 characters or the decimal number")
	}
	return nil
}

// validateText takes what prints. The fault does not show s, which may be a token.
func validateText(field, s string, limit int) error {
	switch {
	case s == "":
		return fmt.Errorf("%s is missing", field)
	case len(s) > limit:
		return fmt.Errorf("%s is of %d bytes: at most %d are allowed", field, len(s), limit)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%s holds characters that do not print: send it as the app got it", field)
	}
	return nil
}

// validateToken takes an address of a provider: none has spaces, but for a web push
// subscription as JSON.
func validateToken(s string) error {
	if err := validateText("token", s, maxToken); err != nil {
		return err
	}
	if strings.Contains(s, " ") && !strings.HasPrefix(s, "{") {
		return errors.New("token holds spaces, which no provider's tokens do: send it as the app got it")
	}
	return nil
}

func validateProvider(s string) error {
	switch {
	case s == "":
		return errors.New(`provider is missing: give the name of the handler, for example "fcm"`)
	case len(s) > maxProvider || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
		return fmt.Errorf("provider is not a name: use at most %d of a-z, 0-9, - and _", maxProvider)
	}
	return nil
}

// Platforms are those that handlers know. Devices may have others.
func Platforms() []string { return []string{"android", "ios", "web"} }

func validatePlatform(s string) error {
	if len(s) > maxPlatform || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("platform is not a name: use at most %d of a-z, 0-9 and -, such as %s or desktop, or leave it out", maxPlatform, strings.Join(Platforms(), ", "))
	}
	return nil
}

func validateLang(s string) error {
	rest := strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
	if rest != "" || len(s) > maxLang {
		return fmt.Errorf("lang is not a language tag of at most %d characters: use the form of en or pt-BR, or leave it out", maxLang)
	}
	return nil
}
