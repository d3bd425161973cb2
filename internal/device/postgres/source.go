// Package postgres reads users' devices from a table of the chat server's own
// database, by two statements that the operator has written. It is a device.Source. It
// refuses to know the table: the statements name its columns, and everything that they
// return is checked like any input. What is lost at its border: the chat server is not
// told of what the second statement removes.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// timeout bounds one statement, with the connection for it.
	timeout = 5 * time.Second
	// connections is how many there are at most, unless pool_max_conns in the URL says
	// otherwise: as many look-ups as a directory has under way.
	connections = 4
)

// Options say where the devices are.
type Options struct {
	// URL is that of the database, as libpq takes it, with pool_max_conns and
	// default_query_exec_mode beside it (pgxpool.ParseConfig).
	URL string
	// Devices reads the devices of users, Gone removes one; see docs/directory.md.
	Devices, Gone string
	// UIDKey turns the user ids of the database into those of receipts: 16 bytes, or
	// none if they are the same.
	UIDKey []byte
}

// Source is a table as a [device.Source].
type Source struct {
	pool          *pgxpool.Pool
	devices, gone statement
	ids           ids
}

var _ device.Source = (*Source)(nil)

// Parse checks o without asking the database.
func Parse(o Options) error {
	_, err := parse(o)
	return err
}

// New returns the source, which connects when it is asked first, and not after ctx has
// ended. Close it.
func New(ctx context.Context, o Options) (*Source, error) {
	s, err := parse(o) //nolint:contextcheck // it asks nobody
	if err != nil {
		return nil, err
	}
	config, err := poolConfig(o.URL)
	if err != nil {
		return nil, err
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("PUSHWORKER_DIRECTORY: %w", err)
	}
	return s, nil
}

// parse is New without the pool.
func parse(o Options) (*Source, error) {
	_, urlErr := poolConfig(o.URL)
	ids, keyErr := newIDs(o.UIDKey)
	devices, err := parseStatement("devices", o.Devices, devicesParameters())
	gone, goneErr := parseStatement("gone", o.Gone, goneParameters())
	if err := errors.Join(urlErr, keyErr, err, goneErr); err != nil {
		return nil, err
	}
	return &Source{devices: devices, gone: gone, ids: ids}, nil
}

func poolConfig(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("PUSHWORKER_DIRECTORY: %w", err) // which masks the password
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = connections
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = timeout
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "pushworker"
	}
	return config, nil
}

// Close closes the connections.
func (s *Source) Close() { s.pool.Close() }

// Find implements [device.Source] with the statement devices.
func (s *Source) Find(ctx context.Context, users []push.Uid) ([]device.Found, error) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	rows, err := s.pool.Query(ctx, s.devices.sql, s.devices.arguments(s.usersArguments(users))...)
	if err != nil {
		return nil, reading(err)
	}
	defer rows.Close()
	columns, err := newRow(s.ids, rows.FieldDescriptions())
	if err != nil {
		return nil, err
	}
	var found []device.Found
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, reading(err)
		}
		found = append(found, columns.found(values))
	}
	if err := rows.Err(); err != nil {
		return nil, reading(err)
	}
	return found, nil
}

func reading(err error) error {
	return fmt.Errorf("the statement devices of PUSHWORKER_DIRECTORY_QUERIES: %w: check that PostgreSQL runs, and PUSHWORKER_DIRECTORY; `pushworker doctor` looks at both", err)
}

// Drop implements [device.Source] with the statement gone.
func (s *Source) Drop(ctx context.Context, d push.Device, asOf time.Time, reason string) (untold bool, err error) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	done, err := s.pool.Exec(ctx, s.gone.sql, s.gone.arguments(s.goneArguments(d, asOf, reason))...)
	if err != nil {
		return false, fmt.Errorf("the statement gone of PUSHWORKER_DIRECTORY_QUERIES: %w", masked(err, d))
	}
	return done.RowsAffected() > 0, nil
}

var errMasked = errors.New("it fails with an error that names the token: compare the types of its placeholders with those of the columns")

// masked is err, unless it shows the device's token.
func masked(err error, d push.Device) error {
	if strings.Contains(err.Error(), d.Token) {
		return errMasked
	}
	return err
}
