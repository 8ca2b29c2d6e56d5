package manager

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

// minKey is the least length of a key in bytes.
const minKey = 16

// NewKey returns a random key for [Listen] and [DialRemote]: 26 letters and digits.
func NewKey() []byte { return []byte(rand.Text()) }

// Listen listens for clients on other machines, on a network that [net.Listen] knows ("tcp"). An address without a host is
// reached from this machine alone: "0.0.0.0:7000" says that you mean more. Both sides prove by TLS 1.3 that they have
// the key, which nobody can read, replay or forge on the way; it is at least 16 bytes of chance, see [NewKey], as one
// who has it can do all that a client can.
func Listen(network, address string, key []byte) (net.Listener, error) {
	if err := checkKey(key); err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	if address == "" {
		address = ":0"
	}
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	config, err := mutualTLS(key, "server", "client")
	if err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	return tls.NewListener(l, config), nil
}

// DialRemote connects to a manager that listens by [Listen] with the same key. Proxies of that manager that this process
// receives use the connection.
func DialRemote(ctx context.Context, network, address string, key []byte, opts ...Option) (*Client, error) {
	if err := checkKey(key); err != nil {
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	config, err := mutualTLS(key, "client", "server")
	if err != nil {
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	ctx, cancel := context.WithTimeout(ctx, makeOptions(opts).greeting)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("manager: dial %s: the key, the address or the server may be wrong: %w", address, err)
	}
	return newClient(ctx, conn, network+":"+address, opts)
}

func checkKey(key []byte) error {
	if len(key) < minKey {
		return fmt.Errorf("a key of %d bytes is too short: at least %d, see NewKey", len(key), minKey)
	}
	return nil
}

// mutualTLS has both sides identify themselves by ed25519 keys that only the shared key yields: each accepts exactly the
// public key that its peer must have. The names in the certificates mean nothing.
func mutualTLS(key []byte, own, peer string) (*tls.Config, error) {
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
				return errWrongKey
			}
			if public, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey); !ok || !public.Equal(expected) {
				return errWrongKey
			}
			return nil
		},
	}, nil
}

var errWrongKey = errors.New("the peer has another key")

func identity(key []byte, role string) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, key, nil, "mrrun manager 1 "+role, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
