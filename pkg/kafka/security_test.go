package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }

// login is a right login of the kind.
func login(kind string) kafka.Security {
	return kafka.Security{SASL: kind, SASLUser: kafkatest.User, SASLPassword: kafkatest.Password}
}

// encrypted adds TLS with the cluster's authority.
func encrypted(c *kafkatest.Cluster, s kafka.Security) kafka.Security {
	s.TLS, s.TLSCA = true, c.CA()
	return s
}

// round keeps the topics of repeated tests apart: the broker is shared.
var round atomic.Int32

// Ensure that records go through every listener of Apache Kafka with the right settings.
func TestSecureListeners(t *testing.T) {
	c := kafkatest.Shared(t)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(kafkatest.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mutual := encrypted(c, kafka.Security{})
	mutual.TLSCert, mutual.TLSKey = c.Certificate()
	for name, s := range map[string]struct {
		addr     string
		security kafka.Security
	}{
		"plain":           {c.SASL(), login(kafka.SASLPlain)},
		"scram256":        {c.SASL(), login(kafka.SASLScram256)},
		"scram512":        {c.SASL(), login(kafka.SASLScram512)},
		"password-file":   {c.SASL(), kafka.Security{SASL: kafka.SASLScram512, SASLUser: kafkatest.User, SASLPasswordFile: file}},
		"scram256-tls":    {c.SASLTLS(), encrypted(c, login(kafka.SASLScram256))},
		"scram512-tls":    {c.SASLTLS(), encrypted(c, login(kafka.SASLScram512))},
		"own-certificate": {c.MTLS(), mutual},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := kafka.NewClient(kafka.Config{Brokers: s.addr, Timeout: 5 * time.Second, Security: s.security})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			topic := fmt.Sprintf("secure-%s-%d", name, round.Add(1))
			if err := client.EnsureTopics(t.Context(), []kafka.Topic{{Name: topic, Partitions: 1}}, 1); err != nil {
				t.Fatal(err)
			}
			write(t, producer(t, client, kafka.ProducerConfig{Topic: topic, Partitions: 1}), 0, "a", "b")
			if got := read(t, reader(t, client, topic, map[int32]int64{0: 1}).Source(0), 1); !slices.Equal(got, []string{"1=b"}) {
				t.Errorf("got %v", got)
			}
			own := &shares{owned: map[string][]int32{}, moved: make(chan struct{}, 10)}
			m := own.join(t, "m", kafka.Group{Client: client, ID: topic, Topic: topic, Partitions: 1, Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second})
			own.until(t, 1, func(o map[string][]int32) bool { return len(o["m"]) == 1 })
			m.stop()
			if err := <-m.done; err != nil {
				t.Error(err)
			}
		})
	}
}

// Ensure that wrong settings are refused at once, with one sentence that says what to do.
func TestNoAccess(t *testing.T) {
	c := kafkatest.Shared(t)
	wrong := login(kafka.SASLScram256)
	wrong.SASLPassword = "guess"
	stranger := login(kafka.SASLPlain)
	stranger.SASLUser = "nobody"
	for name, s := range map[string]struct {
		addr     string
		security kafka.Security
		says     string
	}{
		"wrong password":             {c.SASL(), wrong, "refuses the login of alice"},
		"wrong password over TLS":    {c.SASLTLS(), encrypted(c, wrong), "refuses the login of alice"},
		"unknown account":            {c.SASL(), stranger, "refuses the login of nobody"},
		"no login":                   {c.SASL(), kafka.Security{}, "wants a login: set TRIBUTARY_KAFKA_SASL (it takes "},
		"no login over TLS":          {c.SASLTLS(), encrypted(c, kafka.Security{}), "wants a login"},
		"a login where there's none": {c.Brokers(), login(kafka.SASLPlain), "takes no login: set TRIBUTARY_KAFKA_SASL=none"},
		"unknown authority":          {c.SASLTLS(), kafka.Security{TLS: true}, "set TRIBUTARY_KAFKA_TLS_CA"},
		"no certificate":             {c.MTLS(), encrypted(c, kafka.Security{}), "set TRIBUTARY_KAFKA_TLS_CERT"},
		"TLS where there's none":     {c.Brokers(), encrypted(c, kafka.Security{}), "does not speak TLS: set TRIBUTARY_KAFKA_TLS=false"},
		"no TLS where there is":      {c.MTLS(), kafka.Security{}, "wants TLS: set TRIBUTARY_KAFKA_TLS=true"},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := kafka.NewClient(kafka.Config{Brokers: s.addr, Timeout: 5 * time.Second, Security: s.security})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if _, err = client.WaitPartitions(ctx, "x"); !errors.Is(err, kafka.ErrSecurity) || !strings.Contains(err.Error(), s.says) {
				t.Errorf("got %v, expected %q", err, s.says)
			}
			if strings.Contains(err.Error(), kafkatest.Password) || strings.Contains(err.Error(), "guess") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

// Ensure that settings which do not fit together are refused before anything is dialled.
func TestSecuritySettings(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for says, s := range map[string]kafka.Security{
		"needs TRIBUTARY_KAFKA_SASL_USER":       {SASL: kafka.SASLPlain},
		"TRIBUTARY_KAFKA_SASL=gssapi: use none": {SASL: "gssapi", SASLUser: "a", SASLPassword: "b"},
		"the password is set twice":             {SASL: kafka.SASLPlain, SASLUser: "a", SASLPassword: "b", SASLPasswordFile: empty},
		"no such file":                          {SASL: kafka.SASLPlain, SASLUser: "a", SASLPasswordFile: empty + "x"},
		"holds no certificate":                  {TLS: true, TLSCA: empty},
		"set both TRIBUTARY_KAFKA_TLS_CERT":     {TLS: true, TLSCert: empty},
		"TRIBUTARY_KAFKA_TLS_CERT and _KEY: ":   {TLS: true, TLSCert: empty, TLSKey: empty},
		"cannot be used for a SCRAM login":      {SASL: kafka.SASLScram256, SASLUser: "a\u0007", SASLPassword: "b"},
	} {
		if _, err := kafka.NewClient(kafka.Config{Brokers: "127.0.0.1:1", Security: s}); !errors.Is(err, kafka.ErrSecurity) || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, expected %q", err, says)
		}
	}
}

// Ensure that a broker without logins, such as the embedded one, is taken as it is.
func TestCheckEmbedded(t *testing.T) {
	began := time.Now()
	if err := client(t, harness.Broker(t)).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 2*time.Second { // it answers at once that it takes none
		t.Errorf("the question for logins took %s", d)
	}
}
