package app

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/pkg/push"
)

// UserValue is the pflag.Value of a user id.
type UserValue push.Uid

// Set implements pflag.Value.
func (u *UserValue) Set(s string) error {
	uid, err := push.ParseUid(s)
	*u = UserValue(uid)
	return err
}

// String implements pflag.Value.
func (u *UserValue) String() string { return push.Uid(*u).UserId() }

// Type implements pflag.Value.
func (u *UserValue) Type() string { return "UID" }

// AddUser adds --user to cmd.
func AddUser(cmd *cobra.Command, user *push.Uid) {
	cmd.Flags().SortFlags = false
	cmd.Flags().Var((*UserValue)(user), "user", "user: usr…, its 11 characters, or the decimal number")
}

// ErrNoUser says that --user is missing. Cobra finds that out too late for it to
// be an error of usage.
var ErrNoUser = errors.New("--user is required")

// DeviceName is the id of a device as tables have it, with what tells apart the
// addresses of one device: its app and its kind.
func DeviceName(id, app, kind string) string {
	if of := strings.TrimSpace(app + " " + kind); of != "" {
		return id + " (" + of + ")"
	}
	return id
}

// Moment is the value of --since: a time, or how long ago.
type Moment struct{ time.Time }

// Set implements pflag.Value.
func (m *Moment) Set(s string) error {
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
func (m *Moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Type implements pflag.Value.
func (m *Moment) Type() string { return "DUR|TIME" }

// Length is the value of a flag that says how long.
type Length time.Duration

// Set implements pflag.Value.
func (l *Length) Set(s string) error {
	d, err := push.ParseDuration(s)
	if err != nil {
		return errors.New("write a number with a unit: 90s, 30m, 2h, 1d")
	}
	*l = Length(d)
	return nil
}

// String implements pflag.Value.
func (l *Length) String() string { return time.Duration(*l).String() }

// Type implements pflag.Value.
func (*Length) Type() string { return "DURATION" }
