package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pushworker/pushworker/pkg/push"
)

// Check has the database read both statements, and look whether its user may run them.
// It changes nothing.
func (s *Source) Check(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connecting to PUSHWORKER_DIRECTORY: %w", err)
	}
	defer conn.Release()
	prepared, err := conn.Conn().Prepare(ctx, "", s.devices.sql)
	if err != nil {
		return reading(err)
	}
	if _, err := newRow(s.ids, prepared.Fields); err != nil {
		return err
	}
	somebody := s.goneArguments(push.Device{User: 1}, time.Unix(0, 0), "unregistered")
	if _, err := conn.Exec(ctx, "EXPLAIN "+s.gone.sql, s.gone.arguments(somebody)...); err != nil { // which does not run it
		return fmt.Errorf("the statement gone of PUSHWORKER_DIRECTORY_QUERIES: %w", err)
	}
	return nil
}

// compared is the column of a filter such as (userid = ANY ('{1,2}'::bigint[])).
var compared = regexp.MustCompile(`\((\w+) = ANY`)

// plan is a node of what EXPLAIN answers.
type plan struct {
	Node     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Filter   string `json:"Filter"`
	Plans    []plan `json:"Plans"`
}

// Advice is what an operator can do about a look-up of users that takes long; empty if the
// plan of the database shows nothing. It does not run the statement.
func (s *Source) Advice(ctx context.Context, users []push.Uid) (string, error) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	var text []byte
	err := s.pool.QueryRow(ctx, "EXPLAIN (FORMAT JSON) "+s.devices.sql,
		append([]any{pgx.QueryExecModeExec}, s.devices.arguments(s.usersArguments(users))...)...).Scan(&text)
	if err != nil {
		return "", reading(err)
	}
	var plans []struct{ Plan plan }
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) == 0 {
		return "", fmt.Errorf("reading the plan of the statement devices: %w", err)
	}
	scan, ok := plans[0].Plan.scan()
	if !ok {
		return "", nil
	}
	if column := compared.FindStringSubmatch(scan.Filter); column != nil {
		return fmt.Sprintf("PostgreSQL reads the whole table %s: CREATE INDEX CONCURRENTLY ON %[1]s (%s)", scan.Relation, column[1]), nil
	}
	return fmt.Sprintf("PostgreSQL reads the whole table %s: create an index on the column that the statement compares with the users", scan.Relation), nil
}

// scan is the first sequential scan of a plan.
func (p plan) scan() (plan, bool) {
	if p.Node == "Seq Scan" {
		return p, true
	}
	for _, below := range p.Plans {
		if found, ok := below.scan(); ok {
			return found, true
		}
	}
	return plan{}, false
}
