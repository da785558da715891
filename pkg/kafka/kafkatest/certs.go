package kafkatest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Files of the certificates in a cluster's folder.
const (
	caFile     = "ca.pem"
	serverFile = "server.pem" // key and certificate, as the broker wants them
	clientFile = "client.pem"
	clientKey  = "client.key"
)

// signer issues certificates.
type signer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// writeCertificates makes an authority, and with it a certificate for the brokers and one for a client.
func writeCertificates(dir string) error {
	ca, caPEM, _, err := issue(nil, 1, "tributary test authority")
	if err != nil {
		return err
	}
	_, server, serverKey, err := issue(ca, 2, "broker")
	if err != nil {
		return err
	}
	_, client, key, err := issue(ca, 3, "client")
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{caFile: caPEM, serverFile: slices.Concat(serverKey, server), clientFile: client, clientKey: key} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return fmt.Errorf("write certificate: %w", err)
		}
	}
	return nil
}

// issue signs a certificate, by itself where there is no authority yet.
func issue(ca *signer, serial int64, name string) (own *signer, cert, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("make a key: %w", err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(10, 0, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	own = &signer{cert: t, key: k}
	if ca == nil {
		t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
		ca = own
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, k.Public(), ca.key)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("sign a certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("encode a key: %w", err)
	}
	return own, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}
