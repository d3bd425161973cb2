package postgres

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/xtea" //nolint:staticcheck // Tinode's ids are made with it, and it hides nothing here

	"github.com/pushworker/pushworker/pkg/push"
)

// ids turns the user ids of a database into those of receipts and back. Tinode's user
// id is the number of its database, as 8 bytes in little-endian order, encrypted with
// XTEA and uid_key (tinode/chat v0.25.3, server/store/types/uidgen.go). The zero value leaves the bits as
// they are.
type ids struct{ cipher *xtea.Cipher }

func newIDs(key []byte) (ids, error) {
	if len(key) == 0 {
		return ids{}, nil
	}
	cipher, err := xtea.NewCipher(key)
	if err != nil {
		return ids{}, fmt.Errorf("PUSHWORKER_DIRECTORY_UID_KEY: %w", err)
	}
	return ids{cipher}, nil
}

// uid is the user id of receipts.
func (i ids) uid(number int64) push.Uid {
	if i.cipher == nil {
		return push.Uid(number) //nolint:gosec // the same bits
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(number)) //nolint:gosec // the same bits
	i.cipher.Encrypt(b[:], b[:])
	return push.Uid(binary.LittleEndian.Uint64(b[:]))
}

// number is the user id of the database.
func (i ids) number(user push.Uid) int64 {
	if i.cipher == nil {
		return int64(user) //nolint:gosec // the same bits
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(user))
	i.cipher.Decrypt(b[:], b[:])
	return int64(binary.LittleEndian.Uint64(b[:])) //nolint:gosec // the same bits
}
