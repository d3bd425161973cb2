package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"

	"github.com/pushworker/pushworker/pkg/push"
)

// decimal is a whole number as people write it. envconfig alone would take 010
// for eight.
var decimal = regexp.MustCompile(`^[+-]?(0|[1-9][0-9]*)$`)

// decode sets the fields of c to the given values or their defaults.
func decode(c *Config, fields []field, values map[string]given, f *findings) error {
	c.sources = make(map[string]origin)
	for name, g := range values {
		c.sources[name] = g.origin
	}
	failed, err := process(c, lendable(fields, values, f))
	if err != nil {
		return err
	}
	for _, d := range fields {
		g := values[d.Name]
		err := failed[d.Name]
		if g.source == FromFile && g.value != "" {
			err = decodeFile(d, g.value)
		}
		if err != nil {
			f.fault(d.Name, g.origin, describe(d, g.value, err)...)
		}
	}
	return nil
}

// lendable picks the values that envconfig is to decode: not those of files,
// which never enter an environment.
func lendable(fields []field, values map[string]given, f *findings) map[string]string {
	texts := make(map[string]string)
	for _, d := range fields {
		g := values[d.Name]
		switch {
		case g.value == "" || g.source == FromFile:
		case d.value.Kind() == reflect.Int && !decimal.MatchString(g.value):
			f.fault(d.Name, g.origin, describe(d, g.value, strconv.ErrSyntax)...)
		case d.value.Type() == reflect.TypeFor[time.Duration]():
			texts[d.Name] = inHours(g.value)
		default:
			texts[d.Name] = g.value
		}
	}
	return texts
}

// inHours is a duration in the words of envconfig, which knows no days.
func inHours(text string) string {
	if d, err := push.ParseDuration(text); err == nil {
		return d.String()
	}
	return text
}

// decodeFile sets a field to the text of its file. Only secrets have one, and
// all their types decode themselves.
func decodeFile(d field, text string) error {
	decoder, ok := reflect.TypeAssert[envconfig.Decoder](d.value.Addr())
	if !ok {
		return fmt.Errorf("%s is secret and needs a Decode method", d.value.Type())
	}
	return decoder.Decode(text)
}

// process runs envconfig over c with the given values. envconfig reads the
// process environment and nothing else, so the values are lent to it for the
// length of this call, under a prefix that only this call uses: nothing that
// exists is overwritten, and calls may run side by side. It stops at the first
// value that does not fit; that one is taken away, so that its default stands,
// and envconfig runs again, until it has found them all.
func process(c *Config, texts map[string]string) (map[string]error, error) {
	prefix := strings.ToUpper(fmt.Sprintf("%s_%p", Prefix, c))
	failed := make(map[string]error)
	for name, text := range texts {
		key := prefix + strings.TrimPrefix(name, Prefix)
		if err := os.Setenv(key, text); err != nil {
			failed[name] = problems{{"contains a NUL byte", "remove it"}}
			continue
		}
		defer os.Unsetenv(key) //nolint:errcheck // fails for an invalid key only
	}
	for {
		err := envconfig.Process(prefix, c)
		if err == nil {
			return failed, nil
		}
		parse, ok := errors.AsType[*envconfig.ParseError](err)
		if !ok {
			return nil, fmt.Errorf("decode environment: %w", err)
		}
		name := Prefix + strings.TrimPrefix(parse.KeyName, prefix)
		if _, lent := os.LookupEnv(parse.KeyName); !lent {
			return nil, fmt.Errorf("default of %s does not fit its type %s: correct the tag", name, parse.TypeName)
		}
		failed[name] = parse.Err
		if err := os.Unsetenv(parse.KeyName); err != nil {
			return nil, fmt.Errorf("take back %s: %w", parse.KeyName, err)
		}
	}
}

// describe words a decoding error. The value is quoted unless it may be secret;
// err's own text, which would hold it, is not used.
func describe(d field, value string, err error) []problem {
	found, ok := errors.AsType[problems](err)
	if !ok {
		found = problems{kindProblem(d.value)}
	}
	if d.Secret {
		return found
	}
	quoted := make([]problem, len(found))
	for i, p := range found {
		quoted[i] = problem{p.what + ": " + quote(value), p.hint}
	}
	return quoted
}

func kindProblem(v reflect.Value) problem {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		return problem{"is not a duration", "write a number with a unit: 500ms, 30s, 10m, 72h, 3d"}
	}
	if v.Kind() == reflect.Bool {
		return problem{"is neither true nor false", "write true or false"}
	}
	return problem{"is not a whole number", "write digits only"}
}

// quote makes text from outside safe to print: one line, ASCII, at most 64 bytes
// of it.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
