package obs_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/obs"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestAdmin(t *testing.T) {
	h := &obs.Health{}
	s := httptest.NewServer(obs.Admin(obs.NewRegistry(), h))
	defer s.Close()
	h.Unready("kafka", "no answer yet")
	if code, body := get(t, s.URL+"/readyz"); code != 503 || !strings.Contains(body, "kafka: no answer yet") || h.IsReady() {
		t.Errorf("unready: got %d %s", code, body)
	}
	h.Ready("kafka")
	if code, _ := get(t, s.URL+"/readyz"); code != 200 || !h.IsReady() {
		t.Errorf("ready: got %d", code)
	}
	if code, _ := get(t, s.URL+"/livez"); code != 200 {
		t.Errorf("livez: got %d", code)
	}
	if code, body := get(t, s.URL+"/metrics"); code != 200 || !strings.Contains(body, "process_cpu_seconds_total") {
		t.Errorf("metrics: got %d", code)
	}
}

// Ensure that a request in flight is answered before Serve returns.
func TestServeDrains(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	entered, leave := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "done")
	})
	addr, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- obs.Serve(ctx, "127.0.0.1:0", h, func(a string) { addr <- a }) }()
	answered := make(chan string, 1)
	url := "http://" + <-addr
	go func() {
		res, err := http.Get(url)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answered <- string(b)
	}()
	<-entered
	stop()
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := <-answered; got != "done" {
		t.Errorf("the request in flight got %q", got)
	}
}

func TestServeNamesATakenPort(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	err := obs.Serve(context.Background(), s.Listener.Addr().String(), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "choose another address") {
		t.Errorf("got %v", err)
	}
}

func TestLogger(t *testing.T) {
	for _, c := range []obs.LogConfig{{Level: "loud", Format: "json"}, {Level: "info", Format: "xml"}} {
		if _, err := obs.NewLogger(c, "x"); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	if _, err := obs.NewLogger(obs.LogConfig{Level: "warn", Format: "auto"}, "x"); err != nil {
		t.Error(err)
	}
}

// Ensure that a preferred address is taken where it can be had, that a free port is where it cannot, and that what is merely asked
// for is refused then.
func TestListen(t *testing.T) {
	first, err := obs.Listen(obs.Preferred("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	addr := first.Addr().String()
	second, err := obs.Listen(obs.Preferred(addr))
	if err != nil {
		t.Fatal(err)
	}
	if got := second.Addr().String(); got == addr || !strings.HasPrefix(got, "127.0.0.1:") {
		t.Errorf("beside %s: got %s", addr, got)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := obs.Listen(addr); err == nil || !strings.Contains(err.Error(), "is taken by another program") {
		t.Errorf("the address alone: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	third, err := obs.Listen(obs.Preferred(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if third.Addr().String() != addr {
		t.Errorf("the address is free, got %s", third.Addr())
	}
	if _, err := obs.Listen(obs.Preferred("nonsense")); err == nil {
		t.Error("nonsense was taken")
	}
}
