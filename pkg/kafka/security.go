package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Kinds of login.
const (
	SASLNone     = "none"
	SASLPlain    = "plain"
	SASLScram256 = "scram-sha-256"
	SASLScram512 = "scram-sha-512"
)

// ErrSecurity says that the settings of TLS or of the login do not fit the cluster. Waiting does not help.
var ErrSecurity = errors.New("no access to Kafka")

// Security is how a client and the cluster prove to each other who they are. What is set for TLS or for a login counts only with it.
type Security struct {
	// TLS encrypts every connection and checks the brokers' certificates.
	TLS bool `env:"TLS" envDefault:"false" help:"encrypt connections, and check the brokers' certificates"`
	// TLSCA is the PEM file of the authorities that sign the brokers' certificates. Empty: those of the system.
	TLSCA string `env:"TLS_CA" help:"PEM file of the authority that signed the brokers' certificates; empty: those of the system"`
	// TLSCert is the PEM file of the client's certificate, TLSKey that of its key. Files that change count for new connections.
	TLSCert string `env:"TLS_CERT" help:"PEM file of our certificate, where the brokers ask for one"`
	// TLSKey is the PEM file of the key of TLSCert.
	TLSKey string `env:"TLS_KEY" help:"PEM file of its key"`
	// SASL is the kind of login: none, plain, scram-sha-256 or scram-sha-512. Plain shows the password to whoever is on the way, without TLS.
	SASL string `env:"SASL" envDefault:"none" help:"login: none, plain, scram-sha-256 or scram-sha-512"`
	// SASLUser is the account.
	SASLUser string `env:"SASL_USER" help:"account"`
	// SASLPassword of the account.
	SASLPassword string `env:"SASL_PASSWORD" help:"of the account"`
	// SASLPasswordFile holds the password instead; the end of its line is not part of it.
	SASLPasswordFile string `env:"SASL_PASSWORD_FILE" help:"file that holds the password, instead"`
}

// login makes the mechanism; nil for none.
func (s Security) login() (sasl.Mechanism, error) {
	if s.SASL == "" || s.SASL == SASLNone {
		return nil, nil
	}
	password, err := s.password()
	if err != nil {
		return nil, err
	}
	if s.SASLUser == "" || password == "" {
		return nil, fmt.Errorf("a login needs TRIBUTARY_KAFKA_SASL_USER and TRIBUTARY_KAFKA_SASL_PASSWORD (or _PASSWORD_FILE): %w", ErrSecurity)
	}
	switch s.SASL {
	case SASLPlain:
		return plain.Mechanism{Username: s.SASLUser, Password: password}, nil
	case SASLScram256:
		return scramLogin(scram.SHA256, s.SASLUser, password)
	case SASLScram512:
		return scramLogin(scram.SHA512, s.SASLUser, password)
	}
	return nil, fmt.Errorf("TRIBUTARY_KAFKA_SASL=%s: use %s, %s, %s or %s: %w", s.SASL, SASLNone, SASLPlain, SASLScram256, SASLScram512, ErrSecurity)
}

func scramLogin(a scram.Algorithm, user, password string) (sasl.Mechanism, error) {
	m, err := scram.Mechanism(a, user, password)
	if err != nil { // characters that no login may have; the error shows none of them
		return nil, fmt.Errorf("the account or its password cannot be used for a SCRAM login: %w", errors.Join(ErrSecurity, err))
	}
	return m, nil
}

func (s Security) password() (string, error) {
	if s.SASLPasswordFile == "" {
		return s.SASLPassword, nil
	}
	if s.SASLPassword != "" {
		return "", fmt.Errorf("the password is set twice: unset TRIBUTARY_KAFKA_SASL_PASSWORD or TRIBUTARY_KAFKA_SASL_PASSWORD_FILE: %w", ErrSecurity)
	}
	text, err := os.ReadFile(s.SASLPasswordFile)
	if err != nil {
		return "", fmt.Errorf("TRIBUTARY_KAFKA_SASL_PASSWORD_FILE: %w", errors.Join(ErrSecurity, err))
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// encryption makes the TLS settings; nil for none.
func (s Security) encryption() (*tls.Config, error) {
	if !s.TLS {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLSCA != "" {
		text, err := os.ReadFile(s.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("TRIBUTARY_KAFKA_TLS_CA: %w", errors.Join(ErrSecurity, err))
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("TRIBUTARY_KAFKA_TLS_CA: %s holds no certificate in PEM: %w", s.TLSCA, ErrSecurity)
		}
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return nil, fmt.Errorf("a certificate needs its key: set both TRIBUTARY_KAFKA_TLS_CERT and TRIBUTARY_KAFKA_TLS_KEY: %w", ErrSecurity)
	}
	if s.TLSCert != "" {
		own := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
			return &pair, err
		}
		if _, err := own(nil); err != nil {
			return nil, fmt.Errorf("TRIBUTARY_KAFKA_TLS_CERT and _KEY: %w", errors.Join(ErrSecurity, err))
		}
		c.GetClientCertificate = own // read again: certificates are replaced before they end
	}
	return c, nil
}

// encrypt shakes hands on a new connection, if the settings ask for TLS.
func encrypt(ctx context.Context, conn net.Conn, c *tls.Config, broker string) (net.Conn, error) {
	if c == nil {
		return conn, nil
	}
	host, _, err := net.SplitHostPort(broker)
	if err != nil {
		return nil, err
	}
	c = c.Clone()
	c.ServerName = host
	t := tls.Client(conn, c)
	return t, t.HandshakeContext(ctx)
}
