package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/device/postgres"
	"github.com/pushworker/pushworker/internal/device/postgres/pgtest"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	goodDevices = `SELECT who AS "user", device AS id, provider, token FROM tokens WHERE who = ANY (@user_texts)`
	goodGone    = `DELETE FROM tokens WHERE who = @user_text AND token = @token AND at <= @as_of`
)

// TestStatementsAreChecked without a database: what would do harm, and slips.
func TestStatementsAreChecked(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		o    postgres.Options
		want string
	}{
		"everybody's devices":     {postgres.Options{Devices: "SELECT 1 -- @users", Gone: goodGone}, "is about everybody"},
		"a slip":                  {postgres.Options{Devices: "SELECT @usres, '@users'", Gone: goodGone}, "none of @users, @user_texts, @user_ids"},
		"everybody's are removed": {postgres.Options{Devices: goodDevices, Gone: "DELETE FROM tokens WHERE token = @token"}, "is about everybody"},
		"newer ones are removed":  {postgres.Options{Devices: goodDevices, Gone: "DELETE FROM tokens WHERE who = @user"}, "@as_of"},
		"a key that is too short": {postgres.Options{Devices: goodDevices, Gone: goodGone, UIDKey: []byte("short")}, "PUSHWORKER_DIRECTORY_UID_KEY"},
		"no URL":                  {postgres.Options{URL: "postgres://a:hunter2@h/db?sslmode=never", Devices: goodDevices, Gone: goodGone}, "PUSHWORKER_DIRECTORY: "},
	} {
		if c.o.URL == "" {
			c.o.URL = "postgres://h/db"
		}
		err := postgres.Parse(c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	if err := postgres.Parse(postgres.Options{URL: "postgres://h/db", Devices: goodDevices, Gone: goodGone}); err != nil {
		t.Error(err)
	}
}

// TestStatementsAreCheckedByTheDatabase: tables, columns and what they are called.
func TestStatementsAreCheckedByTheDatabase(t *testing.T) {
	t.Parallel()
	url := shared.URL(database(t, wide))
	for what, c := range map[string]struct{ devices, gone, want string }{
		"no such table":        {`SELECT 1 FROM nowhere WHERE 1 = ANY (@users)`, goodGone, `relation "nowhere" does not exist`},
		"columns without AS":   {`SELECT who, device AS id, provider, token FROM tokens WHERE who = ANY (@user_texts)`, goodGone, `column "who" is not one of user, id`},
		"a column too few":     {`SELECT who AS "user", device AS id, provider FROM tokens WHERE who = ANY (@user_texts)`, goodGone, "there is no column token"},
		"no such table to gut": {goodDevices, `DELETE FROM nowhere WHERE who = @user AND at <= @as_of`, `relation "nowhere" does not exist`},
	} {
		err := open(t, postgres.Options{URL: url, Devices: c.devices, Gone: c.gone}).Check(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Check = %v, want %q", what, err, c.want)
		}
	}
	if err := open(t, postgres.Options{URL: url, Devices: goodDevices, Gone: goodGone}).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestRowsAreChecked: a row that is no device is refused, and the others are devices.
func TestRowsAreChecked(t *testing.T) {
	t.Parallel()
	name := database(t, `CREATE TABLE odd(who TEXT, id INT, provider TEXT, token TEXT, registered DATE, app JSONB);
		INSERT INTO odd VALUES ('usrwuyXQ3qCROw', 7, 'fcm', 'good', NULL, NULL), ('nobody', 1, 'fcm', 'secret', NULL, NULL),
		('usrwuyXQ3qCROw', NULL, 'fcm', 'secret', NULL, NULL), ('usrwuyXQ3qCROw', 3, 'fcm', 'secret', NULL, '{"a":1}'),
		(NULL, 4, 'fcm', 'secret', NULL, NULL)`)
	s := open(t, postgres.Options{
		URL: shared.URL(name), Gone: goodGone,
		Devices: `SELECT who AS "user", id, provider, token, registered, app FROM odd WHERE @user_ids::text[] IS NOT NULL`,
	})
	refused, why := 0, error(nil)
	d := device.NewForeign(s, device.ForeignOptions{OnRefused: func(n int, err error) { refused, why = n, err }})
	user := push.ParseUserId("usrwuyXQ3qCROw")
	found, err := d.Devices(t.Context(), []push.Uid{user}, "fcm")
	if err != nil || len(found[user]) != 1 || found[user][0].Token != "good" || found[user][0].ID != "7" {
		t.Errorf("Devices = %v, %v", found, err)
	}
	if refused != 4 || strings.Contains(why.Error(), "secret") {
		t.Errorf("%d refused: %v", refused, why)
	}
}

// TestErrorsShowNoToken: a statement that compares a token with a number fails with an
// error that quotes it.
func TestErrorsShowNoToken(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Options{
		URL: shared.URL(database(t, "CREATE TABLE n(id BIGINT, at TIMESTAMPTZ)")), Devices: goodDevices,
		Gone: "DELETE FROM n WHERE id = @token AND id = @user AND at <= @as_of",
	})
	_, err := s.Drop(t.Context(), push.Device{User: 1, Provider: "fcm", Token: "secret-token"}, time.Now(), "unregistered")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("Drop = %v", err)
	}
}

// TestServerDiesAndComesBack: a crash, and not only a database that lets nobody in.
func TestServerDiesAndComesBack(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	server.Database(t, "chat", wide, "INSERT INTO tokens VALUES ('usrwuyXQ3qCROw', 'phone', 'fcm', '', 'token', '', now())")
	d := device.NewForeign(open(t, wideOptions(server.URL("chat"))), device.ForeignOptions{})
	user := push.ParseUserId("usrwuyXQ3qCROw")
	ask := func() (int, error) {
		found, err := d.Devices(t.Context(), []push.Uid{user}, "fcm")
		return len(found[user]), err
	}
	if n, err := ask(); n != 1 || err != nil {
		t.Fatalf("%d devices, %v", n, err)
	}
	server.Kill()
	for range 3 {
		if n, err := ask(); err == nil {
			t.Errorf("without a server: %d devices and no error", n)
		}
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := ask(); n != 1 || err != nil {
		t.Errorf("afterwards: %d devices, %v", n, err)
	}
}
