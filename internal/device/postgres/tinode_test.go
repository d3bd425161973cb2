package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/device/postgres/pgtest"
	"github.com/pushworker/pushworker/pkg/push"
)

// numbers are user ids of receipts and those of the database, as the UidGenerator of
// tinode/chat v0.25.3 has made them with the key of its sample configuration.
var numbers = map[string]int64{
	"usrwuyXQ3qCROw": 1,
	"usrXaYsCcDPECM": 42,
	"usr4ZtOWERh59k": 12345,
	"usrtKMoWhZm8QE": 1541815603606036480,
}

func insert(number int64, token, platform, lastSeen string) string {
	return fmt.Sprintf("INSERT INTO devices(userid, hash, deviceid, platform, lastseen, lang) VALUES (%d, substr(md5('%s'), 1, 16), '%[2]s', '%s', '%s', 'de')",
		number, token, platform, lastSeen)
}

// TestTinode: the shipped statements and key find the devices of Tinode's users, in a
// database whose time zone is another than UTC.
func TestTinode(t *testing.T) {
	t.Parallel()
	name := database(t, pgtest.TinodeDevices)
	var users []push.Uid
	want := map[push.Uid]push.Device{}
	for id, number := range numbers {
		user, token := push.ParseUserId(id), "token-of-"+id
		shared.Run(t, name, fmt.Sprintf("INSERT INTO users VALUES (%d)", number), insert(number, token, "android", "2026-11-24 08:30:00.25"))
		users = append(users, user)
		want[user] = push.Device{
			User: user, ID: token, Provider: "fcm", Platform: "android", Token: token, Lang: "de",
			Registered: time.Date(2026, 11, 24, 8, 30, 0, 250e6, time.UTC),
		}
	}
	d := device.NewForeign(open(t, tinode(t, shared.URL(name))), device.ForeignOptions{})
	found, err := d.Devices(t.Context(), append(users, 99), "fcm")
	if err != nil {
		t.Fatal(err)
	}
	got := map[push.Uid]push.Device{}
	for user, list := range found {
		got[user] = list[0]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestTinodeGone: a token that has registered since the push was sent stays.
func TestTinodeGone(t *testing.T) {
	t.Parallel()
	name := database(t, pgtest.TinodeDevices, "INSERT INTO users VALUES (1), (42)", insert(1, "token", "ios", "2026-11-24 08:30:00"))
	s := open(t, tinode(t, shared.URL(name)))
	seen := time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC)
	owner := push.Device{User: push.ParseUserId("usrwuyXQ3qCROw"), ID: "token", Provider: "fcm", Token: "token"}
	other := owner
	other.User = push.ParseUserId("usrXaYsCcDPECM")
	for _, c := range []struct {
		what string
		push.Device
		asOf    time.Time
		removed bool
	}{
		{"a verdict that is older", owner, seen.Add(-time.Millisecond), false},
		{"a verdict about somebody else", other, seen.Add(time.Hour), false},
		{"a verdict", owner, seen.In(time.FixedZone("", 3600)), true},
		{"the same again", owner, seen.Add(time.Hour), false},
	} {
		if removed, err := s.Drop(t.Context(), c.Device, c.asOf, "unregistered"); err != nil || removed != c.removed {
			t.Errorf("%s: Drop = %t, %v; want %t", c.what, removed, err, c.removed)
		}
	}
}

// TestTinodeIsAdvised of the index that it does not make, and not once it is there.
func TestTinodeIsAdvised(t *testing.T) {
	t.Parallel()
	name := database(t, pgtest.TinodeDevices, "INSERT INTO users VALUES (1)",
		"INSERT INTO devices(userid, hash, deviceid, platform, lastseen, lang) SELECT 1, lpad(n::text, 16), 'token-' || n, 'android', '2026-11-24', 'de' FROM generate_series(1, 20000) n",
		"ANALYZE devices")
	s := open(t, tinode(t, shared.URL(name)))
	users := []push.Uid{push.ParseUserId("usrXaYsCcDPECM"), push.ParseUserId("usr4ZtOWERh59k")}
	want := "PostgreSQL reads the whole table devices: CREATE INDEX CONCURRENTLY ON devices (userid)"
	if got, err := s.Advice(t.Context(), users); err != nil || got != want {
		t.Errorf("Advice = %q, %v; want %q", got, err, want)
	}
	shared.Run(t, name, "CREATE INDEX CONCURRENTLY ON devices (userid)")
	if got, err := s.Advice(t.Context(), users); err != nil || got != "" {
		t.Errorf("with the index: Advice = %q, %v", got, err)
	}
}

// TestTinodeNeedsFewRights: those that the file names, and Check tells one that is
// missing.
func TestTinodeNeedsFewRights(t *testing.T) {
	t.Parallel()
	name := database(t, pgtest.TinodeDevices, "INSERT INTO users VALUES (1)", insert(1, "token", "web", "2026-11-24"),
		"CREATE ROLE few LOGIN", "GRANT SELECT ON devices TO few")
	o := tinode(t, shared.URL(name))
	o.URL = "postgres://few@" + o.URL[len("postgres://postgres@"):]
	s := open(t, o)
	if err := s.Check(t.Context()); err == nil {
		t.Error("Check finds nothing without the right to DELETE")
	}
	shared.Run(t, name, "GRANT DELETE ON devices TO few")
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
	owner := push.Device{User: push.ParseUserId("usrwuyXQ3qCROw"), ID: "token", Provider: "fcm", Token: "token"}
	if found, err := s.Find(t.Context(), []push.Uid{owner.User}); err != nil || len(found) != 1 {
		t.Errorf("Find = %v, %v; Check must not have removed it", found, err)
	}
	if removed, err := s.Drop(t.Context(), owner, time.Now(), "unregistered"); err != nil || !removed {
		t.Errorf("Drop = %t, %v", removed, err)
	}
}
