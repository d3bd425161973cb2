package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/pkg/push"
)

// userValue is the pflag.Value of a user id.
type userValue push.Uid

// Set implements pflag.Value.
func (u *userValue) Set(s string) error {
	uid, err := push.ParseUid(s)
	*u = userValue(uid)
	return err
}

// String implements pflag.Value.
func (u *userValue) String() string { return push.Uid(*u).UserId() }

// Type implements pflag.Value.
func (u *userValue) Type() string { return "UID" }

// addUserFlag adds --user to cmd.
func addUserFlag(cmd *cobra.Command, user *push.Uid) {
	cmd.Flags().SortFlags = false
	cmd.Flags().Var((*userValue)(user), "user", "whose: usr…, its 11 characters, or the decimal number")
}

// errNoUser says that --user is missing. Cobra finds that out too late for it to
// be an error of usage.
var errNoUser = errors.New("--user is required")

// moment is the value of --since: a time, or how long ago.
type moment struct{ time.Time }

// Set implements pflag.Value.
func (m *moment) Set(s string) error {
	if d, err := push.ParseDuration(s); err == nil && d >= 0 {
		m.Time = time.Now().Add(-d)
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			m.Time = t
			return nil
		}
	}
	return errors.New("write how long ago (90s, 2h, 3d) or a time (2026-01-31, 2026-01-31T12:00:00Z)")
}

// String implements pflag.Value.
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Type implements pflag.Value.
func (m *moment) Type() string { return "DUR|TIME" }

// length is the value of a flag that says how long.
type length time.Duration

// Set implements pflag.Value.
func (l *length) Set(s string) error {
	d, err := push.ParseDuration(s)
	if err != nil {
		return errors.New("write a number with a unit: 90s, 30m, 2h, 1d")
	}
	*l = length(d)
	return nil
}

// String implements pflag.Value.
func (l *length) String() string { return time.Duration(*l).String() }

// Type implements pflag.Value.
func (*length) Type() string { return "DURATION" }
