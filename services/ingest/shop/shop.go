// Package shop is a small storefront to click: one page that sends Segment's events to the ingest that serves it, and shows
// the session that they become.
//
// It is for trying Tributary out, and off unless TRIBUTARY_SHOP is true. The page and what it loads come from this program
// alone. What it tells of a session it reads from the views in bi, for the one visitor that is asked for, whose random id is
// known to that visitor's browser only.
package shop

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
)

// Prefix of the shop's paths.
const Prefix = "/shop/"

//go:embed page
var page embed.FS

// Config of a shop.
type Config struct {
	// Store that the shop belongs to, its write key and its currency (ISO 4217).
	Store, WriteKey, Currency string
	// Views answers queries on bi.
	Views Views
	// Now is ingest's clock; false while it is not set.
	Now func() (time.Time, bool)
	// Driven tells that the clock is driven: it may stand still. Such a shop is closed until Open is called.
	Driven bool
}

// Views is what the shop needs of ClickHouse. *clickhouse.DB is one.
type Views interface {
	EachBound(ctx context.Context, query string, params clickhouse.Params, row func(scan func(dest ...any) error) error) error
}

// Shop answers what lies under Prefix. It is safe for concurrent use.
type Shop struct {
	config Config
	run    string // tells one start of ingest from the next
	files  map[string]file
	open   atomic.Bool
	asking chan struct{}
}

// file is one file of the page.
type file struct {
	name string
	body []byte
	tag  string
}

// maxAsking is how many questions to ClickHouse may be under way: a page that was left open must not be a burden.
const maxAsking = 4

// New prepares a shop.
func New(c Config) (*Shop, error) {
	if c.WriteKey == "" || c.Views == nil || c.Now == nil {
		return nil, errors.New("the shop needs a store with a write key, views and a clock")
	}
	s := &Shop{config: c, run: rand.Text(), files: map[string]file{}, asking: make(chan struct{}, maxAsking)}
	s.open.Store(!c.Driven)
	err := fs.WalkDir(page, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := page.ReadFile(name)
		sum := sha256.Sum256(b)
		s.files[strings.TrimPrefix(name, "page/")] = file{name: path.Base(name), body: b, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the shop's page: %w", err)
	}
	return s, nil
}

// Open lets visitors in. A shop with a driven clock is opened when the day that is played is over: a click before would be
// traffic that the player does not know of.
func (s *Shop) Open() { s.open.Store(true) }

// policy lets the page load and ask for nothing but what this server has.
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

// ServeHTTP answers one request below Prefix, or for Prefix without its slash.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, r.URL.Path+" takes GET, HEAD, not "+r.Method, http.StatusMethodNotAllowed)
		return
	}
	name, below := strings.CutPrefix(r.URL.Path, Prefix)
	switch {
	case !below:
		to := Prefix
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery // it says where the visit comes from
		}
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	case name == "config":
		s.tellConfig(w)
	case name == "session":
		s.tellSession(w, r)
	default:
		if name == "" {
			name = "index.html"
		}
		f, ok := s.files[name]
		if !ok {
			http.Error(w, "the shop has no such file; its page is "+Prefix, http.StatusNotFound)
			return
		}
		h.Set("ETag", f.tag)
		http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.body))
	}
}

// state is what the page must know of ingest at any time.
type state struct {
	// Run differs after a restart; Now is ingest's clock, Unix milliseconds, 0 while it is not set.
	Run    string `json:"run"`
	Now    int64  `json:"now"`
	Driven bool   `json:"driven"`
	Open   bool   `json:"open"`
}

func (s *Shop) state() state {
	out := state{Run: s.run, Driven: s.config.Driven, Open: s.open.Load()}
	if now, ok := s.config.Now(); ok {
		out.Now = now.UnixMilli()
	}
	out.Open = out.Open && out.Now > 0
	return out
}

// tellConfig is what the page asks for first.
func (s *Shop) tellConfig(w http.ResponseWriter) {
	tell(w, http.StatusOK, struct {
		state
		Store    string `json:"store"`
		WriteKey string `json:"writeKey"`
		Currency string `json:"currency"`
	}{s.state(), s.config.Store, s.config.WriteKey, s.config.Currency})
}

// tell answers with JSON, which no cache keeps.
func tell(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}
