package pgtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ready reports whether the server accepts connections.
func (s *Server) ready(ctx context.Context) bool {
	ctx, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// Run runs statements in a database, for the superuser.
func (s *Server) Run(tb testing.TB, database string, statements ...string) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }() // the test ends anyway
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			tb.Fatalf("%s: %v", sql, err)
		}
	}
}

// Database makes a database with statements.
func (s *Server) Database(tb testing.TB, name string, statements ...string) {
	tb.Helper()
	s.Run(tb, "postgres", "CREATE DATABASE "+name)
	s.Run(tb, name, statements...)
}

// Close has a database refuse everybody, and cuts those off who are connected, until
// Reopen.
func (s *Server) Close(tb testing.TB, name string) {
	tb.Helper()
	s.Run(tb, "postgres", fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS false", name),
		fmt.Sprintf("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'", name))
}

// Reopen has a database let everybody in again.
func (s *Server) Reopen(tb testing.TB, name string) {
	tb.Helper()
	s.Run(tb, "postgres", fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS true", name))
}

// TinodeDevices makes the tables of Tinode v0.25 that are about devices, as its
// PostgreSQL adapter has them.
const TinodeDevices = `CREATE TABLE users(id BIGINT NOT NULL, PRIMARY KEY(id));
CREATE TABLE devices(
	id SERIAL NOT NULL, userid BIGINT NOT NULL, hash CHAR(16) NOT NULL, deviceid TEXT NOT NULL,
	platform VARCHAR(32), lastseen TIMESTAMP NOT NULL, lang VARCHAR(8),
	PRIMARY KEY(id), FOREIGN KEY(userid) REFERENCES users(id));
CREATE UNIQUE INDEX devices_hash ON devices(hash)`
