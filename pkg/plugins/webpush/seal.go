package webpush

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	saltBytes = 16
	tagBytes  = 16
	// recordSize is what bodies say their one record may have at most; it is more than
	// they have (RFC 8188, section 2.1).
	recordSize = 4096
	// overhead is how many bytes encryption adds: the header with salt, size and key, the
	// delimiter and the tag.
	overhead = saltBytes + 4 + 1 + publicBytes + 1 + tagBytes
	// delimiter ends the text of the last record (RFC 8188, section 2).
	delimiter = 2
)

// Seal appends text to b, encrypted so that only the owner of d, a subscription, reads it
// (RFC 8291). Nothing is sent; this shows what encryption takes.
func Seal(b, text []byte, d push.Device) ([]byte, error) {
	s, err := parseSubscription(d)
	if err != nil {
		return nil, err
	}
	return s.seal(b, text)
}

// seal appends text to b, encrypted so that only the subscription's owner reads it, with
// a key and a salt that nothing else is encrypted with.
func (s *subscription) seal(b, text []byte) ([]byte, error) {
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	var salt [saltBytes]byte
	_, _ = rand.Read(salt[:]) // never fails
	return s.sealWith(b, text, own, salt)
}

// sealWith is seal with that key of the sender's and that salt (RFC 8291, section 3.4;
// RFC 8188, section 2).
func (s *subscription) sealWith(b, text []byte, own *ecdh.PrivateKey, salt [saltBytes]byte) ([]byte, error) {
	public := own.PublicKey().Bytes()
	gcm, nonce, err := s.cipher(own, public, salt)
	if err != nil {
		return nil, err
	}
	b = append(b, salt[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(max(recordSize, len(text)+1+tagBytes))) //nolint:gosec // a message is no gigabyte
	b = append(b, publicBytes)
	b = append(b, public...)
	begin := len(b)
	b = append(append(b, text...), delimiter)
	return gcm.Seal(b[:begin], nonce, b[begin:], nil), nil
}

// cipher derives what encrypts the only record.
func (s *subscription) cipher(own *ecdh.PrivateKey, public []byte, salt [saltBytes]byte) (gcm cipher.AEAD, nonce []byte, err error) {
	shared, err := own.ECDH(s.public)
	if err != nil {
		return nil, nil, fmt.Errorf("agree on a key: %w", err)
	}
	info := "WebPush: info\x00" + string(s.public.Bytes()) + string(public)
	ikm, err := hkdf.Key(sha256.New, shared, s.auth, info, sha256.Size)
	if err != nil {
		return nil, nil, fmt.Errorf("derive a key: %w", err)
	}
	prk, err := hkdf.Extract(sha256.New, ikm, salt[:])
	if err != nil {
		return nil, nil, fmt.Errorf("derive a key: %w", err)
	}
	cek, err := hkdf.Expand(sha256.New, prk, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, nil, fmt.Errorf("derive a key: %w", err)
	}
	if nonce, err = hkdf.Expand(sha256.New, prk, "Content-Encoding: nonce\x00", 12); err != nil {
		return nil, nil, fmt.Errorf("derive a nonce: %w", err)
	}
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, nil, fmt.Errorf("use a key: %w", err)
	}
	if gcm, err = cipher.NewGCM(block); err != nil {
		return nil, nil, fmt.Errorf("use a key: %w", err)
	}
	return gcm, nonce, nil
}
