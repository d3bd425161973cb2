package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pushworker/pushworker/pkg/push"
)

// statement is SQL with numbered placeholders, and the name of each.
type statement struct {
	sql   string
	names []string
}

// devicesParameters are the placeholders of the statement devices, without @.
func devicesParameters() []string { return []string{"users", "user_texts", "user_ids"} }

// goneParameters are those of the statement gone.
func goneParameters() []string {
	return []string{"user", "user_text", "user_id", "id", "token", "provider", "platform", "app", "kind", "as_of", "reason"}
}

var errAsOf = errors.New("PUSHWORKER_DIRECTORY_QUERIES: the statement gone would remove devices that have registered again: compare the time of the registration with @as_of")

// parseStatement numbers the placeholders of text, which are of known. A statement about
// everybody, or one that would remove what is newer than the verdict, is a fault.
func parseStatement(name, text string, known []string) (s statement, err error) {
	args := make(pgx.NamedArgs, len(known))
	for _, k := range known {
		args[k] = k
	}
	var none context.Context // it asks nobody, so there is nothing to wait for
	sql, found, err := args.RewriteQuery(none, nil, text, nil)
	if err != nil {
		return s, fmt.Errorf("PUSHWORKER_DIRECTORY_QUERIES: the statement %s: %w", name, err)
	}
	s.sql = sql
	for _, f := range found {
		k, ok := f.(string)
		if !ok {
			return s, fmt.Errorf("PUSHWORKER_DIRECTORY_QUERIES: the statement %s has a placeholder that is none of @%s", name, strings.Join(known, ", @"))
		}
		s.names = append(s.names, k)
	}
	if !slices.ContainsFunc(s.names, func(n string) bool { return strings.HasPrefix(n, "user") }) {
		return s, fmt.Errorf("PUSHWORKER_DIRECTORY_QUERIES: the statement %s is about everybody: compare the user with @%s, @%s or @%s", name, known[0], known[1], known[2])
	}
	if name == "gone" && !slices.Contains(s.names, "as_of") {
		return s, errAsOf
	}
	return s, nil
}

// arguments are the values of s's placeholders, in their order.
func (s statement) arguments(values map[string]any) []any {
	args := make([]any, len(s.names))
	for i, name := range s.names {
		args[i] = values[name]
	}
	return args
}

func (s *Source) usersArguments(users []push.Uid) map[string]any {
	numbers, texts, ids := make([]int64, len(users)), make([]string, len(users)), make([]string, len(users))
	for i, u := range users {
		numbers[i], texts[i], ids[i] = s.ids.number(u), u.String(), u.UserId()
	}
	return map[string]any{"users": numbers, "user_texts": texts, "user_ids": ids}
}

func (s *Source) goneArguments(d push.Device, asOf time.Time, reason string) map[string]any {
	e := d.More()
	return map[string]any{
		"user": s.ids.number(d.User), "user_text": d.User.String(), "user_id": d.User.UserId(),
		"id": d.ID, "token": d.Token, "provider": d.Provider, "platform": d.Platform, "app": e.App, "kind": e.Kind,
		"as_of": asOf.UTC(), "reason": reason,
	}
}
