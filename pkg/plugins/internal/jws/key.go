package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// ParseKey reads a private key of PKCS #8 in PEM (RFC 5958, RFC 7468), such as Apple's .p8. Line
// breaks may be two characters each, as environment variables have them. The error
// does not quote the text.
func ParseKey(text []byte) (crypto.Signer, error) {
	text = bytes.ReplaceAll(bytes.TrimSpace(text), []byte(`\n`), []byte("\n"))
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New(`private key is no PEM text: it begins with "-----BEGIN PRIVATE KEY-----", on a line of its own; copy the file again as the provider issued it`)
	}
	if block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("private key is of the kind %q: want PRIVATE KEY, which is PKCS #8; openssl pkcs8 -topk8 -nocrypt converts it", block.Type)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("private key is damaged: copy the file again as the provider issued it") // err may quote it
	}
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		if k.Curve == elliptic.P256() {
			return k, nil
		}
	case *rsa.PrivateKey:
		return k, nil
	}
	return nil, errKey
}
