package clickhouse_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	engine "github.com/tributary-data/tributary/pkg/embedded/clickhouse"
)

// childEnv makes the test binary serve an engine on that folder until stdin closes or it is killed.
const childEnv = "TRIBUTARY_TEST_ENGINE_DIR"

// twiceEnv makes it start and stop once before that.
const twiceEnv = "TRIBUTARY_TEST_ENGINE_TWICE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if shared.stop != nil {
		if err := shared.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the shared engine:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func child(dir string) error {
	s, err := newServer(dir)
	if err != nil {
		return err
	}
	if os.Getenv(twiceEnv) != "" {
		if err := startAndStop(s); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return s.Run(ctx, func(addr string) { fmt.Println(addr) })
}

// startAndStop runs the engine for a moment and checks that Run leaves no goroutine.
func startAndStop(s *engine.Server) error {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := s.Run(ctx, func(string) { cancel() }); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			return fmt.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
	return nil
}

func newServer(dir string) (*engine.Server, error) {
	lib := os.Getenv("TRIBUTARY_ENGINE")
	if lib == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		if lib, err = engine.Fetch(context.Background(), filepath.Join(cache, "tributary", "engine"), nil); err != nil {
			return nil, err
		}
	}
	return engine.New(engine.Config{Addr: "127.0.0.1:0", DataDir: dir, Library: lib})
}

// shared is one engine for all tests: a process holds one data folder.
var shared struct {
	once sync.Once
	addr string
	err  error
	stop func() error
}

// server is the shared engine's address.
func server(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "engine-")
		if err != nil {
			shared.err = err
			return
		}
		s, err := newServer(dir)
		if err != nil {
			shared.err = err
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		ready, done := make(chan string, 1), make(chan error, 1)
		go func() { done <- s.Run(ctx, func(a string) { ready <- a }) }()
		select {
		case shared.addr = <-ready:
		case shared.err = <-done:
		}
		shared.stop = func() error {
			cancel()
			if shared.err != nil {
				return nil
			}
			err := <-done
			_ = os.RemoveAll(dir)
			return err
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.addr
}

// startChild runs an engine in a process of its own.
func startChild(t testing.TB, dir string) (addr string, stop, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end := func(f func() error) func() {
		return func() {
			if !ended {
				ended = true
				_ = f()
				if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() > 0 {
					t.Errorf("child engine: %v", err)
				}
			}
		}
	}
	stop, kill = end(in.Close), end(cmd.Process.Kill)
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child engine said nothing: %v", err)
	}
	return strings.TrimSpace(line), stop, kill
}

// open connects clickhouse-go as our adapter does.
func open(t testing.TB, addr string, compression *ch.Compression) ch.Conn {
	t.Helper()
	c, err := ch.Open(&ch.Options{Protocol: ch.HTTP, Addr: []string{addr}, Auth: ch.Auth{Username: "default", Database: "default"}, Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// answer is an HTTP answer.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends one raw request; params are the URL's.
func do(t testing.TB, method, addr, path string, params url.Values, header http.Header, body io.Reader) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path+"?"+params.Encode(), body)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := plain.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

// plain asks for no compression by itself.
var plain = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// post runs a query and returns its answer; it must succeed.
func post(t testing.TB, query string, params ...string) string {
	t.Helper()
	v := url.Values{}
	for i := 0; i < len(params); i += 2 {
		v.Set(params[i], params[i+1])
	}
	a := do(t, http.MethodPost, server(t), "/", v, nil, strings.NewReader(query))
	if a.status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", query, a.status, a.body)
	}
	return a.body
}
