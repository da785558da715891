package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// notEncrypted makes a sentence of a connection that TLS did not come about on.
func (c *Client) notEncrypted(broker string, err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var remote *net.OpError
	say := func(format string, args ...any) error {
		return explained{fmt.Sprintf(format, args...), errors.Join(ErrSecurity, err)}
	}
	switch {
	case errors.As(err, &unknown):
		return say("the certificate of the broker at %s is signed by nobody we know: set TRIBUTARY_KAFKA_TLS_CA to the file of its authority", broker)
	case errors.As(err, &name):
		return say("the broker at %s shows a certificate for another name (%v): use a name that it is for", broker, name)
	case errors.As(err, &invalid):
		return say("the certificate of the broker at %s is not valid: %v", broker, invalid)
	case errors.As(err, &remote) && remote.Op == "remote error" && c.config.Security.TLSCert == "":
		return say("the broker at %s wants a certificate of ours: set TRIBUTARY_KAFKA_TLS_CERT and TRIBUTARY_KAFKA_TLS_KEY (it says: %v)", broker, remote.Err)
	case errors.As(err, &remote) && remote.Op == "remote error":
		return say("the broker at %s refuses our certificate, TRIBUTARY_KAFKA_TLS_CERT (it says: %v)", broker, remote.Err)
	case errors.As(err, &plain), errors.Is(err, io.EOF):
		return say("the broker at %s does not speak TLS: set TRIBUTARY_KAFKA_TLS=false, or TRIBUTARY_KAFKA_BROKERS to an address with TLS", broker)
	}
	return unreached(broker, err)
}

// checkLogin asks a broker which logins it takes, which it answers before one, and tries ours. conn is not used again.
func (c *Client) checkLogin(ctx context.Context, conn io.ReadWriter, broker string) error {
	ours, account := "", c.config.Security.SASLUser
	if c.transport.SASL != nil {
		ours = c.transport.SASL.Name()
	}
	code, offered, err := askLogins(conn, ours)
	if err != nil {
		return nil // what cannot be asked may still work
	}
	say := func(format string, args ...any) error {
		return explained{fmt.Sprintf(format, args...), ErrSecurity}
	}
	names := strings.ToLower(strings.Join(offered, ", "))
	switch {
	case code == kafkago.IllegalSASLState && ours == "":
		return nil
	case code == kafkago.IllegalSASLState:
		return say("the broker at %s takes no login: set TRIBUTARY_KAFKA_SASL=none, or TRIBUTARY_KAFKA_BROKERS to an address with one", broker)
	case ours == "" && c.served(ctx, broker):
		return nil
	case ours == "":
		return say("the broker at %s wants a login: set TRIBUTARY_KAFKA_SASL (it takes %s), TRIBUTARY_KAFKA_SASL_USER and TRIBUTARY_KAFKA_SASL_PASSWORD", broker, names)
	case !slices.Contains(offered, ours):
		return say("the broker at %s takes no login of the kind %s: set TRIBUTARY_KAFKA_SASL to one that it takes (%s)", broker, strings.ToLower(ours), names)
	}
	in, err := c.dialer().DialContext(ctx, "tcp", broker)
	if errors.Is(err, kafkago.SASLAuthenticationFailed) {
		return say("the broker at %s refuses the login of %s: check TRIBUTARY_KAFKA_SASL_USER, its password and TRIBUTARY_KAFKA_SASL", broker, account)
	}
	if err != nil {
		return fmt.Errorf("log in at broker %s: %w", broker, err)
	}
	return in.Close()
}

func (c *Client) dialer() *kafkago.Dialer {
	return &kafkago.Dialer{ClientID: clientName, DialFunc: c.config.Dial, TLS: c.transport.TLS, SASLMechanism: c.transport.SASL}
}

// served tells whether a broker that knows logins serves us without one: one that wants it hangs up on any other request.
func (c *Client) served(ctx context.Context, broker string) bool {
	conn, err := c.dialer().DialContext(ctx, "tcp", broker)
	if err != nil {
		return true // the login is not what is wrong
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok && conn.SetDeadline(deadline) != nil {
		return true
	}
	_, err = conn.Brokers()
	return !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET)
}

// askLogins sends SaslHandshake version 1. Who takes no logins answers so, whatever we offer.
func askLogins(rw io.ReadWriter, mechanism string) (code kafkago.Error, offered []string, err error) {
	be := binary.BigEndian
	req := be.AppendUint32(nil, uint32(12+len(clientName)+len(mechanism)))
	req = be.AppendUint16(req, uint16(protocol.SaslHandshake))
	req = be.AppendUint16(req, 1)
	req = be.AppendUint32(req, correlation)
	req = be.AppendUint16(req, uint16(len(clientName)))
	req = append(req, clientName...)
	req = be.AppendUint16(req, uint16(len(mechanism)))
	if _, err := rw.Write(append(req, mechanism...)); err != nil {
		return 0, nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return 0, nil, err
	}
	size := int64(be.Uint32(head[:])) - 4
	if size < 6 || size > maxVersions || be.Uint32(head[4:]) != correlation {
		return 0, nil, errForeign
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(rw, body); err != nil {
		return 0, nil, err
	}
	c := cursor{b: body}
	code = kafkago.Error(c.int16())
	for n := c.int32(); n > 0 && c.err == nil; n-- {
		offered = append(offered, string(c.take(int(c.int16()))))
	}
	return code, offered, c.err
}
