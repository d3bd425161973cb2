package config

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// Place is who keeps users' devices: "kv", "nats", or the URL of a PostgreSQL database.
// Printed, logged or encoded, the URL shows neither user, password nor parameters.
type Place string //nolint:recvcheck // only decoding needs the pointer; printing must work on values

// The places that are no URL.
const (
	InKV   Place = "kv"
	InNATS Place = "nats"
)

// Decode implements envconfig.Decoder.
func (p *Place) Decode(value string) error {
	*p = Place(strings.TrimSpace(value))
	if *p == InKV || *p == InNATS {
		return nil
	}
	u, err := url.Parse(string(*p))
	if err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") && (u.Host != "" || u.Query().Get("host") != "") {
		return nil
	}
	return problems{{
		"is neither kv, nats nor a URL of PostgreSQL",
		"write for example postgres://pushworker:secret@db.example:5432/tinode, or postgres:///tinode?host=/run/postgresql for a socket",
	}}
}

// Reveal is p with its password. Hand it to whom it is for and to nobody else.
func (p Place) Reveal() string { return string(p) }

// IsPostgres reports whether the devices are in a PostgreSQL database.
func (p Place) IsPostgres() bool { return p != InKV && p != InNATS && p != "" }

// String returns p without secrets.
func (p Place) String() string {
	if !p.IsPostgres() {
		return string(p)
	}
	u, err := url.Parse(string(p))
	if err != nil { // Decode lets none through
		return masked
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Format writes what String returns, whatever the verb.
func (p Place) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// MarshalText returns what String returns.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UIDKey is the key of DirectoryUIDKey: 16 bytes, or none. Load has checked it.
func (c *Config) UIDKey() []byte {
	key, _ := base64.StdEncoding.DecodeString(c.DirectoryUIDKey.Reveal())
	return key
}

// uidKeyBytes is the length of Tinode's uid_key.
const uidKeyBytes = 16

func (v *validator) directory() {
	at := v.Directory
	v.require(!at.IsPostgres() || v.DirectoryQueries != "", "names a database, and PUSHWORKER_DIRECTORY_QUERIES names no statements",
		"set PUSHWORKER_DIRECTORY_QUERIES to a file such as deploy/directory/tinode.sql", "DIRECTORY", "DIRECTORY_QUERIES")
	v.file("DIRECTORY_QUERIES", v.DirectoryQueries)
	if at.IsPostgres() && v.DirectoryQueries != "" && !v.broken("DIRECTORY_QUERIES") {
		_, p := readQueries(v.DirectoryQueries)
		v.require(p.what == "", p.what, p.hint, "DIRECTORY_QUERIES")
	}
	if v.DirectoryUIDKey.IsSet() {
		key, err := base64.StdEncoding.DecodeString(v.DirectoryUIDKey.Reveal())
		v.require(err == nil && len(key) == uidKeyBytes, "is not a key of 16 bytes in base64",
			"copy uid_key from store_config in the chat server's tinode.conf", "DIRECTORY_UID_KEY")
	}
	atLeast(v, "DIRECTORY_TTL", v.DirectoryTTL, 0)
	atMost(v, "DIRECTORY_TTL", v.DirectoryTTL, 10*time.Minute)
	const unused, hint = "is not used with PUSHWORKER_DIRECTORY=", "remove it, or set PUSHWORKER_DIRECTORY"
	v.warn(at.IsPostgres() || v.DirectoryQueries == "", "DIRECTORY_QUERIES", unused+at.String(), hint)
	v.warn(at.IsPostgres() || !v.DirectoryUIDKey.IsSet(), "DIRECTORY_UID_KEY", unused+at.String(), hint)
	v.warn(at == InKV || !v.DevicesMirror, "DEVICES_MIRROR", unused+at.String(), hint)
	v.warn(at == InKV || !v.DevicesDisplace, "DEVICES_DISPLACE", unused+at.String(), hint)
}

// Queries are the statements of a file for PUSHWORKER_DIRECTORY_QUERIES.
type Queries struct {
	// Devices reads the devices of users, Gone removes one that is dead.
	Devices, Gone string
}

// ReadQueries reads the file that DirectoryQueries names, which Load has checked.
func (c *Config) ReadQueries() (Queries, error) {
	q, p := readQueries(c.DirectoryQueries)
	if p.what != "" {
		return q, problems{p}
	}
	return q, nil
}

// queryName begins the line before a statement.
const queryName = "-- name:"

// readQueries splits a file at its lines "-- name: devices" and "-- name: gone".
func readQueries(path string) (q Queries, p problem) {
	text, p := readValue(path)
	if p.what != "" {
		return q, p
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return q, problem{"names a directory: " + quote(path), "name the file in it"}
	}
	parts := map[string]*string{"devices": &q.Devices, "gone": &q.Gone}
	var current *string
	for line := range strings.Lines(text) {
		name, isName := strings.CutPrefix(strings.TrimSpace(line), queryName)
		switch {
		case isName:
			if current = parts[strings.TrimSpace(name)]; current == nil {
				return q, problem{"has a statement with the name " + quote(strings.TrimSpace(name)), "name the two statements devices and gone"}
			}
		case current != nil:
			*current += line
		}
	}
	for name, text := range parts {
		*text = strings.TrimSuffix(strings.TrimSpace(*text), ";")
		if *text == "" {
			return q, problem{"has no statement with the name " + name, "write it below a line `" + queryName + " " + name + "`"}
		}
	}
	return q, problem{}
}
