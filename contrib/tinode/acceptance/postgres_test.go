package acceptance_test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// startPostgres makes a database server of its own and returns its address. It wants the
// programs of Debian's package postgresql.
func startPostgres(t *testing.T) (addr string) {
	t.Helper()
	bin := postgresPrograms(t)
	dir, err := os.MkdirTemp("", "test-tinode-pg-") //nolint:usetesting // t.TempDir lets nobody else in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := notRoot(t, dir)
	data := filepath.Join(dir, "data")
	command(t, dir, nil, as, filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
	addr = freeAddr(t)
	start(t, dir, "postgres", nil, as, filepath.Join(bin, "postgres"), "-D", data,
		"-h", "127.0.0.1", "-p", port(addr), "-k", dir, "-c", "fsync=off")
	eventually(t, func() string {
		out, err := exec.Command(filepath.Join(bin, "pg_isready"), "-h", "127.0.0.1", "-p", port(addr)).CombinedOutput()
		if err != nil {
			return err.Error() + ": " + string(out)
		}
		return ""
	})
	return addr
}

// postgresPrograms is the folder with initdb and postgres. Debian keeps them out of PATH.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		t.Fatal("this test needs PostgreSQL: apt-get install postgresql")
	}
	program, err := filepath.EvalSymlinks(found[0]) // the other programs are beside it
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(program)
}

// notRoot is whom to run PostgreSQL as, which refuses root. dir is made theirs.
func notRoot(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("PostgreSQL refuses to run as root, and there is no user postgres: %v", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
