package apns

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/pushworker/pushworker/internal/fake"
)

// The key that a server makes for itself.
const (
	DefaultKeyID  = "FAKEKEY001"
	DefaultTeamID = "FAKETEAM01"
)

// Options say how a [Server] behaves. The zero value listens on a free loopback port and
// takes what Apple's production environment would.
type Options struct {
	fake.Options

	// KeyID and TeamID are those of the key that the server makes at the start; see
	// [Server.Key].
	KeyID, TeamID string
	// Sandbox makes it the sandbox: device tokens of production are bad there, and the
	// other way round.
	Sandbox bool
	// Topics are the bundle ids that the key may send to; none means every one.
	Topics []string
	// DevicePerMinute is the quota of pushes per device and minute; 0 means none.
	DevicePerMinute int
}

func (o Options) withDefaults() Options {
	o.TLS = true
	o.KeyID, o.TeamID = cmp.Or(o.KeyID, DefaultKeyID), cmp.Or(o.TeamID, DefaultTeamID)
	return o
}

// key is a key that the server knows.
type key struct {
	id, team string
	public   *ecdsa.PublicKey
	revoked  bool
}

// newKey makes a key, and its .p8 file.
func newKey(id, team string) (*key, []byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("write a key: %w", err)
	}
	return &key{id: id, team: team, public: &private.PublicKey}, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
