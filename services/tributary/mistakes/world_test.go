package mistakes_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// world is what the rows refer to as $name: addresses of servers, good and bad, and files.
type world map[string]string

// engine is the path of the engine.
var engine string

// newWorld starts all servers. They end with the test.
func newWorld(t *testing.T) world {
	lib, err := harness.Library(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine = lib
	w := world{"engine": lib, "clickhouse": harness.Engine(t), "kafka": harness.Broker(t), "bare": harness.Broker(t),
		"uneven": harness.Broker(t), "stampless": harness.Broker(t), "tables": harness.Broker(t)}
	topics(t, w["kafka"], stack.Topics(3)...)
	topics(t, w["tables"], stack.Topics(3)...)
	topics(t, w["uneven"], kafka.Topic{Name: schemas.TopicEvents(0), Partitions: 3, AppendTime: true}, kafka.Topic{Name: schemas.TopicSessions(0, 0), Partitions: 4},
		kafka.Topic{Name: schemas.TopicDeadLetters, Partitions: 3})
	plain := stack.Topics(3)
	for i := range plain {
		plain[i].AppendTime = false
	}
	topics(t, w["stampless"], plain...)
	w["old"] = fake(t, kfake.MaxVersions(kversion.V2_3_0())).ListenAddrs()[0]
	w["ahead"] = ahead(t)
	w["taken"] = serve(t, func(c net.Conn) { _ = c.Close() })
	w["closes"] = w["taken"]
	w["mute"] = serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }) // reads, and never answers
	w["refused"] = refused(t)
	w["http"] = answers(t, http.StatusNotFound, "nothing here")
	w["unauthorized"] = answers(t, http.StatusUnauthorized, `{"success":false}`)
	w["unavailable"] = answers(t, http.StatusServiceUnavailable, "not yet")
	w["native"] = answers(t, http.StatusBadRequest, "Port 9000 is for clickhouse-client program\r\nYou must use port 8123 for HTTP.\r\n")
	return w
}

func topics(t *testing.T, broker string, list ...kafka.Topic) {
	t.Helper()
	c, err := kafka.NewClient(kafka.Config{Brokers: broker})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.EnsureTopics(t.Context(), list, 1); err != nil {
		t.Fatal(err)
	}
}

// fake is a broker that is not as ours.
func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ahead is a broker whose clock is an hour ahead: it says so in each answer to a produce request.
func ahead(t *testing.T) string {
	c := fake(t, kfake.SeedTopics(3, schemas.TopicEvents(0), schemas.TopicDeadLetters))
	c.ControlKey(int16(kmsg.Produce), func(k kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req, ok := k.(*kmsg.ProduceRequest)
		if !ok {
			return nil, nil, false
		}
		res, ok := req.ResponseKind().(*kmsg.ProduceResponse)
		if !ok {
			return nil, nil, false
		}
		for _, topic := range req.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.LogAppendTime = p.Partition, time.Now().Add(time.Hour).UnixMilli()
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, true
	})
	return c.ListenAddrs()[0]
}

// serve is a port whose connections one function gets.
func serve(t *testing.T, each func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = c.Close() })
			go each(c)
		}
	}()
	return l.Addr().String()
}

// refused is a port at which nobody listens.
func refused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

// answers is an HTTP server that says one thing.
func answers(t *testing.T, status int, text string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, status) }))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// write makes a file below dir and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}
