package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/device/postgres/pgtest"
	"github.com/pushworker/pushworker/pkg/push"
)

// tinodeUsers are users of Tinode's database, and their ids in receipts, as tinode/chat
// v0.25.3 has made them with the key of its sample configuration.
var tinodeUsers = map[string]int64{"usrwuyXQ3qCROw": 1, "usrXaYsCcDPECM": 42, "usr4ZtOWERh59k": 12345}

// TestDatabaseAwayAndBack: the devices are in Tinode's table, and PostgreSQL dies and comes
// back under load. The lane waits and says why, and everything arrives once.
func TestDatabaseAwayAndBack(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Database(t, "tinode", pgtest.TinodeDevices, "CREATE INDEX ON devices (userid)")
	w := newFCMWorld(t, "")
	for id, number := range tinodeUsers {
		db.Run(t, "tinode", fmt.Sprintf("INSERT INTO users VALUES (%d)", number), fmt.Sprintf(
			"INSERT INTO devices(userid, hash, deviceid, platform, lastseen, lang) VALUES (%d, '%d', 'token-of-%s', 'android', now(), 'de')", number, number, id))
	}
	queries, err := filepath.Abs("../deploy/directory/tinode.sql")
	if err != nil {
		t.Fatal(err)
	}
	worker := w.worker("PUSHWORKER_DIRECTORY="+db.URL("tinode"), "PUSHWORKER_DIRECTORY_QUERIES="+queries,
		"PUSHWORKER_DIRECTORY_UID_KEY=la6YsO+bNX/+XIkOqc5Svw==", "PUSHWORKER_DIRECTORY_TTL=0s", "PUSHWORKER_RETRY_MAX_ATTEMPTS=1")
	var everybody []push.Uid
	for id := range tinodeUsers {
		everybody = append(everybody, push.ParseUserId(id))
	}
	w.publish(w.message(everybody...))
	w.arrived(int64(len(everybody)))
	db.Kill()
	for range 5 {
		w.publish(w.message(everybody...))
	}
	await(t, patience, "the lane waits for the database", func() bool {
		return strings.Contains(page(t, worker, "/status"), "the statement devices of PUSHWORKER_DIRECTORY_QUERIES")
	})
	if err := db.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.arrived(6 * int64(len(everybody)))
	w.drained()
	got := w.deliveries()
	for d, times := range got {
		if times != 1 {
			t.Errorf("message %d arrived %d times at %s", d.seq, times, d.target)
		}
	}
	if letters := w.letters(); len(got) != 6*len(everybody) || letters != 0 {
		t.Errorf("%d pushes and %d letters, want %d and none", len(got), letters, 6*len(everybody))
	}
}
