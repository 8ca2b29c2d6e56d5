// Package mtls configures TLS so that both sides of a connection prove that they have the same key.
package mtls

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// minKey is the least length of a key, in bytes.
const minKey = 16

// ErrWrongKey is wrapped by the error about a peer with another key.
var ErrWrongKey = errors.New("the peer has another key")

// Config returns a configuration with which both sides identify themselves by ed25519 keys that are
// derived from the shared key: each accepts only the public key that its peer must have. own and
// peer are the roles of the two sides, which give them different keys. The names in the
// certificates mean nothing.
func Config(key []byte, own, peer string) (*tls.Config, error) {
	if len(key) < minKey {
		return nil, fmt.Errorf("a key of %d bytes is too short: at least %d, see NewKey", len(key), minKey)
	}
	ours, err := identity(key, own)
	if err != nil {
		return nil, err
	}
	theirs, err := identity(key, peer)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, ours.Public(), ours)
	if err != nil {
		return nil, err
	}
	expected := theirs.Public().(ed25519.PublicKey)
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: ours}},
		ClientAuth:             tls.RequireAnyClientCert,
		InsecureSkipVerify:     true, // there is no authority; VerifyConnection compares the key itself
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) != 1 {
				return ErrWrongKey
			}
			if public, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey); !ok || !public.Equal(expected) {
				return ErrWrongKey
			}
			return nil
		},
	}, nil
}

func identity(key []byte, role string) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, key, nil, "mrrun manager 1 "+role, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
