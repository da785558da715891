package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// ErrAddress says that an address of a broker cannot be one: the settings are wrong, not the network.
var ErrAddress = errors.New("use host:port, without a scheme, such as 127.0.0.1:9092")

// checkAddresses says what is wrong with the form of the brokers' addresses.
func checkAddresses(brokers string) error {
	if strings.TrimSpace(brokers) == "" {
		return fmt.Errorf("no address of a Kafka broker, set TRIBUTARY_KAFKA_BROKERS or --brokers: %w", ErrAddress)
	}
	for _, b := range strings.Split(brokers, ",") {
		host, port, err := net.SplitHostPort(b)
		if err != nil || host == "" || port == "" || strings.ContainsAny(b, "/ @") {
			return fmt.Errorf("%q is no address of a Kafka broker: %w", b, ErrAddress)
		}
	}
	return nil
}

// ErrVersion says that the cluster is too old for us. Waiting does not help.
var ErrVersion = errors.New("run Apache Kafka 3.1 or newer")

// neededFetch is the version of Fetch, the one request that we send by ourselves; for all others kafka-go takes what the broker knows.
const neededFetch = fetchVersion

// checkWithin is how long one broker may take to say what it is.
const checkWithin = 3 * time.Second

// Check asks the brokers who they are. It returns nil if one of them is a Kafka that will do, else one sentence that says what
// is wrong and what to do about it.
func (c *Client) Check(ctx context.Context) error {
	var first error
	for _, b := range c.brokers() {
		err := c.ask(ctx, b)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// ask sends one broker the question that every Kafka client begins with: which versions of which requests it knows.
func (c *Client) ask(ctx context.Context, broker string) error {
	limit, cancel := context.WithTimeout(ctx, min(checkWithin, c.config.Timeout))
	defer cancel()
	dial := c.config.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(limit, "tcp", broker)
	if err != nil {
		return unreached(broker, err)
	}
	defer conn.Close()
	deadline, _ := limit.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return unreached(broker, err)
	}
	if conn, err = encrypt(limit, conn, c.transport.TLS, broker); err != nil {
		return c.notEncrypted(broker, err)
	}
	answer, err := apiVersions(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) && speaksHTTP(conn) {
		err = errForeign
	}
	switch {
	case errors.Is(err, errTLS):
		return explained{fmt.Sprintf("the broker at %s wants TLS: set TRIBUTARY_KAFKA_TLS=true, or TRIBUTARY_KAFKA_BROKERS to an address without", broker), ErrSecurity}
	case errors.Is(err, errForeign):
		return fmt.Errorf("what answers at %s is no Kafka broker: set TRIBUTARY_KAFKA_BROKERS or --brokers to the address of one", broker)
	case err != nil && c.transport.TLS != nil: // a refused certificate shows at the first answer
		return c.notEncrypted(broker, err)
	case err != nil:
		return unreached(broker, err)
	case answer < neededFetch:
		return fmt.Errorf("the broker at %s is too old (it knows fetch up to version %d, %d is needed): %w", broker, answer, neededFetch, ErrVersion)
	}
	return c.checkLogin(limit, conn, broker)
}

// speaksHTTP tells whether somebody who did not answer waits for the end of an HTTP request: that is what ours looks like to him.
func speaksHTTP(conn net.Conn) bool {
	if conn.SetDeadline(time.Now().Add(time.Second/2)) != nil {
		return false
	}
	if _, err := io.WriteString(conn, "\r\n\r\n"); err != nil {
		return false
	}
	var head [5]byte
	_, err := io.ReadFull(conn, head[:])
	return err == nil && string(head[:]) == "HTTP/"
}

// unreached makes a sentence of a broken connection.
func unreached(broker string, err error) error {
	const do = "start Kafka, or set TRIBUTARY_KAFKA_BROKERS or --brokers to where it is"
	var name *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &name):
		return fmt.Errorf("no host has the name %s of broker %s: %s", name.Name, broker, do)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no Kafka broker listens at %s: %s", broker, do)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("what listens at %s does not answer as a Kafka broker: %s", broker, do)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("what listens at %s closes the connection (a broker with TLS, or none at all): %s", broker, do)
	}
	return fmt.Errorf("broker %s: %w: %s", broker, err, do)
}

var (
	errForeign = errors.New("this is no answer to ApiVersions")
	errTLS     = errors.New("this is an alert of TLS")
)

// alertRecord is how a server of TLS begins, 3 its version's major number, when it is not spoken to in TLS.
const alertRecord = 0x15

// maxVersions bounds an answer to ApiVersions: a broker has about a hundred requests, ten bytes each.
const maxVersions = 64 << 10

// apiVersions asks with version 0 of ApiVersions, which every broker since 0.10 answers, and returns the newest version of Fetch.
func apiVersions(rw io.ReadWriter) (fetch int, err error) {
	be := binary.BigEndian
	req := be.AppendUint32(nil, uint32(10+len(clientName)))
	req = be.AppendUint16(req, uint16(protocol.ApiVersions))
	req = be.AppendUint16(req, 0)
	req = be.AppendUint32(req, correlation)
	req = be.AppendUint16(req, uint16(len(clientName)))
	if _, err := rw.Write(append(req, clientName...)); err != nil {
		return 0, err
	}
	var head [8]byte
	n, err := io.ReadFull(rw, head[:])
	if n >= 2 && head[0] == alertRecord && head[1] == 3 {
		return 0, errTLS
	}
	if err != nil {
		return 0, err
	}
	size := int64(be.Uint32(head[:])) - 4
	if size < 6 || size > maxVersions || be.Uint32(head[4:]) != correlation {
		return 0, errForeign
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(rw, body); err != nil {
		return 0, err
	}
	return newestFetch(body)
}

// newestFetch reads the body of an answer: error, count, and per request its key, its oldest and its newest version.
func newestFetch(body []byte) (int, error) {
	be := binary.BigEndian
	if len(body) < 6 || be.Uint16(body) != 0 {
		return 0, errForeign
	}
	for rest := body[6:]; len(rest) >= 6; rest = rest[6:] {
		if be.Uint16(rest) == uint16(protocol.Fetch) {
			return int(be.Uint16(rest[4:])), nil
		}
	}
	return 0, errForeign
}

// explained is one sentence for a person that keeps its cause for the code.
type explained struct {
	text  string
	cause error
}

func (e explained) Error() string { return e.text }
func (e explained) Unwrap() error { return e.cause }
