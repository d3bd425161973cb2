package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// row reads what the statement devices returns, by the names of its columns.
type row struct {
	ids   ids
	names []string
}

// required are the columns without which a row is no device.
func required() []string { return []string{"user", "id", "provider", "token"} }

// optional are the others.
func optional() []string {
	return []string{"platform", "lang", "registered", "app", "kind", "env", "p256dh", "auth"}
}

// newRow checks the columns.
func newRow(of ids, fields []pgconn.FieldDescription) (*row, error) {
	r := &row{ids: of}
	var faults []error
	for _, f := range fields {
		r.names = append(r.names, f.Name)
		if !slices.Contains(required(), f.Name) && !slices.Contains(optional(), f.Name) {
			faults = append(faults, fmt.Errorf("column %q is not one of %s", f.Name, strings.Join(slices.Concat(required(), optional()), ", ")))
		}
	}
	for _, name := range required() {
		if !slices.Contains(r.names, name) {
			faults = append(faults, fmt.Errorf("there is no column %s", name))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("PUSHWORKER_DIRECTORY_QUERIES: the statement devices: %w: name the columns with AS", err)
	}
	return r, nil
}

// found is the device of a row, or what is wrong with it, without its values.
func (r *row) found(values []any) (f device.Found) {
	var e push.Extra
	texts := map[string]*string{
		"id": &f.ID, "provider": &f.Provider, "token": &f.Token, "platform": &f.Platform, "lang": &f.Lang,
		"app": &e.App, "kind": &e.Kind, "env": &e.Env, "p256dh": &e.Keys.P256DH, "auth": &e.Keys.Auth,
	}
	for i, name := range r.names {
		var err error
		switch name {
		case "user":
			f.User, err = r.user(values[i])
		case "registered":
			f.Registered, err = moment(values[i])
		default:
			*texts[name], err = text(values[i])
		}
		if err != nil {
			f.Fault = errors.Join(f.Fault, fmt.Errorf("column %s: %w", name, err))
		}
	}
	if e != (push.Extra{}) {
		f.Extra = &e
	}
	return f
}

// user reads a user id: a number as the database has it, or a text as receipts have it.
func (r *row) user(value any) (push.Uid, error) {
	if s, ok := value.(string); ok {
		return push.ParseUid(s)
	}
	n, ok := number(value)
	if !ok {
		return 0, fmt.Errorf("it is of the type %T: cast it to bigint or text", value)
	}
	return r.ids.uid(n), nil
}

func number(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case int32:
		return int64(n), true
	case int16:
		return int64(n), true
	}
	return 0, false
}

// moment reads a time; one without a zone is in UTC.
func moment(value any) (time.Time, error) {
	switch t := value.(type) {
	case nil:
		return time.Time{}, nil
	case time.Time:
		return t.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("it is of the type %T: cast it to timestamptz, or to timestamp in UTC", value)
}

func text(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	if n, ok := number(value); ok {
		return strconv.FormatInt(n, 10), nil
	}
	return "", fmt.Errorf("it is of the type %T: cast it to text", value)
}
