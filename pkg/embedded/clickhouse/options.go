package clickhouse

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options of one request, from its URL and headers.
type options struct {
	query          string // the query text in the URL
	queryID        string
	database       string
	format         string
	revision       uint64
	compress       bool // native compressed blocks out
	decompress     bool // native compressed blocks in
	method         string
	httpCompress   bool
	readonly       bool
	session        string
	sessionTimeout time.Duration
	sessionCheck   bool
	params         map[string]string
	settings       map[string]string
}

// ignored are names that a server knows and that change nothing here: there is one account, answers are complete
// before the first byte, and inserts are synchronous, which promises more than an asynchronous one.
var ignored = map[string]bool{
	"wait_end_of_query": true, "buffer_size": true, "send_progress_in_http_headers": true, "add_http_cors_header": true, "stacktrace": true,
	"quota_key": true, "close_session": true, "async_insert": true, "wait_for_async_insert": true, "cancel_http_readonly_queries_on_client_close": true,
	"user": true, "password": true, "network_zstd_compression_level": true, "client_name": true,
}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func readOptions(r *http.Request, values url.Values) (options, error) {
	// GET must not change anything, and compressed answers are on by default: both as in a server.
	o := options{format: "TabSeparated", httpCompress: true, readonly: r.Method != http.MethodPost, sessionTimeout: sessionTimeout,
		method: "LZ4", params: map[string]string{}, settings: map[string]string{}}
	o.database = r.Header.Get("X-ClickHouse-Database")
	if f := r.Header.Get("X-ClickHouse-Format"); f != "" {
		o.format = f
	}
	for name, values := range values {
		if err := o.set(name, values[len(values)-1]); err != nil {
			return o, err
		}
	}
	if o.queryID == "" {
		o.queryID = newQueryID()
	}
	return o, nil
}

func (o *options) set(name, v string) (err error) {
	switch name {
	case "query":
		o.query = v
	case "role":
		if v != "" {
			return fail(codeUnknownRole, "UNKNOWN_ROLE", "There is no role `%s`. The embedded engine has one account and no roles", v)
		}
	case "query_id":
		o.queryID = v
	case "database":
		o.database = v
	case "default_format":
		o.format = v
	case "client_protocol_version":
		o.revision, err = strconv.ParseUint(v, 10, 64)
	case "compress":
		o.compress = on(v)
	case "decompress":
		o.decompress = on(v)
	case "network_compression_method":
		o.method = strings.ToUpper(v)
	case "enable_http_compression":
		o.httpCompress = on(v)
	case "readonly":
		o.readonly = o.readonly || on(v)
	case "session_id":
		o.session = v
	case "session_check":
		o.sessionCheck = on(v)
	case "session_timeout":
		var n int
		n, err = strconv.Atoi(v)
		o.sessionTimeout = time.Duration(n) * time.Second
	default:
		return o.other(name, v)
	}
	if err != nil {
		return fail(codeBadArguments, "BAD_ARGUMENTS", "URL parameter %s=%q is not a number", name, v)
	}
	return nil
}

// other takes parameters of the query, and what is left is a setting, as in a server.
func (o *options) other(name, v string) error {
	if p, ok := strings.CutPrefix(name, "param_"); ok {
		o.params[p] = v
		return nil
	}
	if ignored[name] || strings.HasPrefix(name, "http_") {
		return nil
	}
	if !settingName.MatchString(name) {
		return unsupported("the URL parameter %q", name)
	}
	o.settings[name] = v
	return nil
}

func on(v string) bool { return v != "" && v != "0" && !strings.EqualFold(v, "false") }

// authenticate knows one account: default, without a password.
func (o *options) authenticate(r *http.Request, u url.Values) error {
	if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		return unsupported("tokens (Authorization: Bearer)")
	}
	user, password, _ := r.BasicAuth()
	if h := r.Header.Get("X-ClickHouse-User"); h != "" {
		user, password = h, r.Header.Get("X-ClickHouse-Key")
	}
	if u.Has("user") || u.Has("password") {
		user, password = u.Get("user"), u.Get("password")
	}
	if (user == "" || user == "default") && password == "" {
		return nil
	}
	return fail(codeAuthentication, "AUTHENTICATION_FAILED",
		"%s: Authentication failed: password is incorrect, or there is no user with such name. The embedded engine has the user default without a password only", user)
}

// apply makes the request's database and settings the connection's. undo takes the settings back.
func (o *options) apply(c *conn) (undo func(), err error) {
	database := o.database
	if database == "" && o.session == "" {
		database = "default"
	}
	if database != "" && database != c.database {
		if _, err := c.query("USE "+identifier(database), "Null"); err != nil {
			return nil, err
		}
		c.database = database
	}
	if len(o.settings) == 0 {
		return func() {}, nil
	}
	before, err := o.before(c)
	if err != nil {
		return nil, err
	}
	// A statement of SET changes all or nothing.
	if err := set(c, func(name string) string { return quote(o.settings[name]) }, o.settings); err != nil {
		return nil, err
	}
	return func() {
		err := set(c, func(name string) string {
			if v, ok := before[name]; ok {
				return quote(v)
			}
			return "DEFAULT"
		}, o.settings)
		c.dirty = c.dirty || err != nil
	}, nil
}

// before is what the connection itself has set of these settings: its threads, and a session's SETs.
func (o *options) before(c *conn) (map[string]string, error) {
	if o.session == "" {
		return map[string]string{"max_threads": strconv.Itoa(maxThreads)}, nil
	}
	var names []string
	for name := range o.settings {
		names = append(names, quote(name))
	}
	r, err := c.query("SELECT name, value FROM system.settings WHERE changed AND name IN ("+strings.Join(names, ",")+")", "TSV")
	if err != nil {
		return nil, fmt.Errorf("read the session's settings: %w", err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(r.data)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		out[name] = unescape(value)
	}
	return out, nil
}

func set(c *conn, value func(name string) string, settings map[string]string) error {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		parts = append(parts, name+" = "+value(name))
	}
	_, err := c.query("SET "+strings.Join(parts, ", "), "Null")
	return err
}
