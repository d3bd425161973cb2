package admin

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// checkTimeout bounds all checks of one request; supervisors wait 1 s to 5 s.
const checkTimeout = 3 * time.Second

// Check is one condition of readiness.
type Check struct {
	// Name is told with the result, for example "broker".
	Name string
	// Run returns nil if the condition holds, else an error that says what to do.
	// It must end when ctx does.
	Run func(ctx context.Context) error
}

// Rarely returns c with a memory: when it has passed, it passes for d without being run,
// up to twice as long so that many processes do not ask at once.
func Rarely(c Check, d time.Duration) Check {
	var good atomic.Int64 // until then, in nanoseconds
	run := c.Run
	c.Run = func(ctx context.Context) error {
		now := time.Now()
		if now.UnixNano() < good.Load() {
			return nil
		}
		err := run(ctx)
		if err == nil {
			good.Store(now.Add(d + rand.N(d)).UnixNano()) //nolint:gosec // jitter
		}
		return err
	}
	return c
}

// WarningError is what a [Check] returns when something has to be corrected and the process is
// ready all the same.
type WarningError struct{ Err error }

func (w WarningError) Error() string { return w.Err.Error() }

// Unwrap returns the error.
func (w WarningError) Unwrap() error { return w.Err }

// livez answers as long as the process serves, unless something is wrong that only a
// restart repairs. It must not depend on another machine's broker or a provider: a
// restart repairs neither.
func livez(checks []Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if report, well := runChecks(r.Context(), checks); !well {
			writeText(w, http.StatusServiceUnavailable, report+"restart needed\n")
			return
		}
		writeText(w, http.StatusOK, "ok\n")
	})
}

// readyz runs every check. The result of each is told if one does not pass or the
// query has ?verbose.
func readyz(checks []Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		report, ready := runChecks(ctx, checks)
		switch {
		case !ready:
			writeText(w, http.StatusServiceUnavailable, report+"not ready\n")
		case r.URL.Query().Has("verbose"):
			writeText(w, http.StatusOK, report+"ok\n")
		default:
			writeText(w, http.StatusOK, "ok\n")
		}
	})
}

// warned marks a check that only warns.
const warned = "[!]"

// warnings are the lines of a report that only warn.
func warnings(report string) string {
	var b strings.Builder
	for line := range strings.Lines(report) {
		if strings.HasPrefix(line, warned) {
			b.WriteString(line)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func runChecks(ctx context.Context, checks []Check) (report string, ready bool) {
	var b strings.Builder
	ready = true
	for _, c := range checks {
		err := c.Run(ctx)
		if err == nil {
			fmt.Fprintf(&b, "[+] %s\n", c.Name)
			continue
		}
		mark := warned
		if _, warns := errors.AsType[WarningError](err); !warns {
			mark, ready = "[-]", false
		}
		fmt.Fprintf(&b, "%s %s: %s\n", mark, c.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return b.String(), ready
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // the client is gone
}
