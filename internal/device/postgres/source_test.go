package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/device/devicetest"
	"github.com/pushworker/pushworker/internal/device/postgres"
	"github.com/pushworker/pushworker/internal/device/postgres/pgtest"
	"github.com/pushworker/pushworker/pkg/push"
)

// shared is one server for all tests but those that stop it; nil if PostgreSQL is
// missing.
var shared *pgtest.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pushworker-postgres-")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, stop, err := pgtest.Open(context.Background(), dir)
	switch {
	case err == nil:
		defer stop()
		shared = s
	case !errors.Is(err, pgtest.ErrMissing) || os.Getenv("CI") == "true":
		log.Print(err)
		return 1
	}
	return m.Run()
}

var databases atomic.Int64

// database makes a database on the shared server.
func database(tb testing.TB, statements ...string) (name string) {
	tb.Helper()
	if shared == nil {
		tb.Skip(pgtest.ErrMissing)
	}
	name = fmt.Sprint("test", databases.Add(1))
	shared.Database(tb, name, statements...)
	return name
}

// uidKey is that of Tinode's sample configuration.
const uidKey = "la6YsO+bNX/+XIkOqc5Svw=="

// tinode is the shipped example, at a database.
func tinode(tb testing.TB, url string) postgres.Options {
	tb.Helper()
	c, err := config.Load([]string{
		"PUSHWORKER_DIRECTORY=" + url, "PUSHWORKER_DIRECTORY_QUERIES=../../../deploy/directory/tinode.sql", "PUSHWORKER_DIRECTORY_UID_KEY=" + uidKey,
	}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	q, err := c.ReadQueries()
	if err != nil {
		tb.Fatal(err)
	}
	return postgres.Options{URL: url, Devices: q.Devices, Gone: q.Gone, UIDKey: c.UIDKey()}
}

func open(tb testing.TB, o postgres.Options) *postgres.Source {
	tb.Helper()
	s, err := postgres.New(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// wide is a table that has every member of a device.
const wide = `CREATE TABLE tokens(
	who TEXT NOT NULL, device TEXT NOT NULL, provider TEXT NOT NULL, platform TEXT, token TEXT NOT NULL, lang TEXT,
	at TIMESTAMPTZ NOT NULL, app TEXT, kind TEXT, env TEXT, p256dh TEXT, auth TEXT, PRIMARY KEY (who, provider, device));
CREATE UNIQUE INDEX ON tokens(provider, token)`

// wideOptions are statements about it, with ids as texts.
func wideOptions(url string) postgres.Options {
	return postgres.Options{
		URL: url,
		Devices: `SELECT who AS "user", device AS id, provider, platform, token, lang, at AS registered, app, kind, env, p256dh, auth
			FROM tokens WHERE who = ANY (@user_ids)`,
		Gone: `DELETE FROM tokens WHERE who = @user_id AND provider = @provider AND token = @token AND at <= @as_of`,
	}
}

// TestPostgresConforms: a directory over a table, with the shortest cache.
func TestPostgresConforms(t *testing.T) {
	t.Parallel()
	devicetest.Conform(t, func(tb testing.TB) devicetest.World {
		tb.Helper()
		name := database(tb, wide)
		pool, err := pgxpool.New(tb.Context(), shared.URL(name))
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(pool.Close)
		exec := func(ctx context.Context, sql string, args ...any) error {
			_, err := pool.Exec(ctx, sql, args...)
			return err
		}
		return devicetest.World{
			Directory: device.NewForeign(open(tb, wideOptions(shared.URL(name))), device.ForeignOptions{CacheTTL: time.Millisecond}),
			Login: func(ctx context.Context, d push.Device) error {
				e := d.More()
				if err := exec(ctx, "DELETE FROM tokens WHERE provider = $1 AND token = $2", d.Provider, d.Token); err != nil {
					return err
				}
				return exec(ctx, `INSERT INTO tokens VALUES ($1, $2, $3, $4, $5, $6, now(), $7, $8, $9)
					ON CONFLICT (who, provider, device) DO UPDATE SET token = excluded.token, at = excluded.at`,
					d.User.UserId(), d.ID, d.Provider, d.Platform, d.Token, d.Lang, e.App, e.Kind, e.Env)
			},
			Logout: func(ctx context.Context, d push.Device) error {
				return exec(ctx, "DELETE FROM tokens WHERE who = $1 AND device = $2", d.User.UserId(), d.ID)
			},
			Leave: func(ctx context.Context, user push.Uid) error {
				return exec(ctx, "DELETE FROM tokens WHERE who = $1", user.UserId())
			},
			Down: func(tb testing.TB) { tb.Helper(); shared.Close(tb, name) },
			Up:   func(tb testing.TB) { tb.Helper(); shared.Reopen(tb, name) },
		}
	})
}
