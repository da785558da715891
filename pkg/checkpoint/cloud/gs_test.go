package cloud_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/checkpoint"
)

// gs is as much of Google Cloud Storage as a vault uses, for one bucket.
type gs struct {
	mu      sync.Mutex
	objects map[string][]byte
	opened  map[string][]byte // uploads in parts, by name
	onlyNew map[string]bool
	unknown []string
}

func (g *gs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	const api = "/storage/v1/b/checkpoints/o"
	q := r.URL.Query()
	switch path := r.URL.Path; {
	case path == "/upload"+api && q.Get("uploadType") == "multipart":
		g.whole(w, r)
	case path == "/upload"+api && r.Method == http.MethodPost:
		name := q.Get("name")
		if name == "" {
			var meta struct{ Name string }
			if json.NewDecoder(r.Body).Decode(&meta) == nil {
				name = meta.Name
			}
		}
		g.opened[name], g.onlyNew[name] = nil, q.Get("ifGenerationMatch") == "0"
		w.Header().Set("Location", "http://"+r.Host+"/part?name="+name)
	case path == "/part":
		g.part(w, r, q.Get("name"))
	case path == api:
		g.list(w, q.Get("prefix"))
	case strings.HasPrefix(path, api+"/") && r.Method == http.MethodDelete:
		name := strings.TrimPrefix(path, api+"/")
		if _, ok := g.objects[name]; !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		delete(g.objects, name)
		w.WriteHeader(http.StatusNoContent)
	case strings.HasPrefix(path, "/checkpoints/"):
		g.read(w, strings.TrimPrefix(path, "/checkpoints/"))
	case strings.HasPrefix(path, "/storage/v1/b/"):
		w.WriteHeader(http.StatusNotFound) // another bucket
	default:
		g.unknown = append(g.unknown, r.Method+" "+r.URL.String())
		w.WriteHeader(http.StatusNotImplemented)
	}
}

// whole is an upload in one request: metadata and bytes.
func (g *gs) whole(w http.ResponseWriter, r *http.Request) {
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	parts := multipart.NewReader(r.Body, params["boundary"])
	var meta struct{ Name string }
	first, err := parts.NextPart()
	if err == nil {
		err = json.NewDecoder(first).Decode(&meta)
	}
	var body []byte
	if err == nil {
		first, err = parts.NextPart()
	}
	if err == nil {
		body, err = io.ReadAll(first)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	g.put(w, meta.Name, body, r.URL.Query().Get("ifGenerationMatch") == "0")
}

// part is one of an upload in several.
func (g *gs) part(w http.ResponseWriter, r *http.Request, name string) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g.opened[name] = append(g.opened[name], b...)
	if _, total, _ := strings.Cut(r.Header.Get("Content-Range"), "/"); total == "*" {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(g.opened[name])-1))
		w.Header().Set("X-Http-Status-Code-Override", "308") // go on; the client asks for it in this form
		return
	}
	g.put(w, name, g.opened[name], g.onlyNew[name])
}

func (g *gs) put(w http.ResponseWriter, name string, b []byte, onlyNew bool) {
	if _, ok := g.objects[name]; ok && onlyNew {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	g.objects[name] = b
	answer(w, g.meta(name))
}

func (g *gs) list(w http.ResponseWriter, prefix string) {
	items := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(g.objects)) {
		if strings.HasPrefix(name, prefix) {
			items = append(items, g.meta(name))
		}
	}
	answer(w, map[string]any{"items": items})
}

func (g *gs) read(w http.ResponseWriter, name string) {
	b, ok := g.objects[name]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("X-Goog-Generation", "1")
	w.Header().Set("X-Goog-Metageneration", "1")
	w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.Write(b)
}

func (g *gs) meta(name string) map[string]any {
	b := g.objects[name]
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return map[string]any{"name": name, "bucket": "checkpoints", "size": strconv.Itoa(len(b)), "generation": "1", "metageneration": "1",
		"updated": time.Now(), "crc32c": base64.StdEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func TestGoogle(t *testing.T) {
	fake := &gs{objects: map[string][]byte{}, opened: map[string][]byte{}, onlyNew: map[string]bool{}}
	server := httptest.NewServer(fake)
	defer server.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
	checkBucket(t, "gs://checkpoints?anonymous=true")
	if _, err := checkpoint.Open(t.Context(), "gs://none?anonymous=true"); err == nil || !strings.Contains(err.Error(), "GOOGLE_APPLICATION_CREDENTIALS") {
		t.Errorf("no bucket: %v", err)
	}
	if len(fake.unknown) > 0 {
		t.Errorf("requests that the fake does not know: %q", fake.unknown)
	}
}
