package collect

import (
	"net/http"
	"strings"
)

// route is what answers a path.
type route struct {
	kind     routeKind
	callType string // empty for batches
}

type routeKind byte

const (
	routeCalls routeKind = iota + 1
	routeDrop
	routePixel
	routeSettings
)

// methods that a kind of route takes, besides OPTIONS.
func (k routeKind) methods() string {
	switch k {
	case routePixel, routeSettings:
		return "GET, HEAD"
	}
	return "POST"
}

// routes by path: server SDKs write the type out, browser SDKs its first letter. /v1/m takes an SDK's metrics about
// itself, which are dropped. The pixel is for where no script runs
// (https://segment.com/docs/connections/sources/catalog/libraries/server/pixel-tracking-api/).
var routes = map[string]route{
	"/v1/batch": {routeCalls, ""}, "/v1/b": {routeCalls, ""}, "/v1/import": {routeCalls, ""},
	"/v1/track": {routeCalls, "track"}, "/v1/t": {routeCalls, "track"}, "/v1/pixel/track": {routePixel, "track"},
	"/v1/page": {routeCalls, "page"}, "/v1/p": {routeCalls, "page"}, "/v1/pixel/page": {routePixel, "page"},
	"/v1/screen": {routeCalls, "screen"}, "/v1/s": {routeCalls, "screen"}, "/v1/pixel/screen": {routePixel, "screen"},
	"/v1/identify": {routeCalls, "identify"}, "/v1/i": {routeCalls, "identify"}, "/v1/pixel/identify": {routePixel, "identify"},
	"/v1/group": {routeCalls, "group"}, "/v1/g": {routeCalls, "group"}, "/v1/pixel/group": {routePixel, "group"},
	"/v1/alias": {routeCalls, "alias"}, "/v1/a": {routeCalls, "alias"}, "/v1/pixel/alias": {routePixel, "alias"},
	"/v1/m": {routeDrop, ""},
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to, ok := routes[r.URL.Path]
	key, isSettings := settingsKey(r.URL.Path)
	if isSettings {
		to, ok = route{kind: routeSettings}, true
	}
	methods := to.kind.methods()
	switch {
	case !ok:
		h.refuse(w, r, fail(http.StatusNotFound, "unknown path: events go to POST /v1/batch, or alone to /v1/track, /v1/page, /v1/screen, /v1/identify, /v1/group or /v1/alias"))
	case r.Method == http.MethodOptions:
		preflight(w, r, methods)
	case !takes(methods, r.Method):
		w.Header().Set("Allow", methods+", OPTIONS")
		h.refuse(w, r, fail(http.StatusMethodNotAllowed, "%s takes %s, not %s", r.URL.Path, methods, r.Method))
	case to.kind == routeCalls:
		h.segment(w, r, to.callType)
	case to.kind == routePixel:
		h.pixel(w, r, to.callType)
	case to.kind == routeSettings:
		h.settings(w, r, key)
	default:
		answer(w, r, http.StatusOK, nil)
	}
}

func takes(methods, method string) bool {
	first, second, _ := strings.Cut(methods, ", ")
	return method == first || method == second && second != ""
}

// settingsKey is the write key in /v1/projects/{key}/settings.
func settingsKey(path string) (key string, ok bool) {
	key, ok = strings.CutPrefix(path, "/v1/projects/")
	if !ok {
		return "", false
	}
	key, ok = strings.CutSuffix(key, "/settings")
	return key, ok && key != "" && !strings.Contains(key, "/")
}

// refuse counts and answers what goes no further.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, f *failure) {
	h.config.Metrics.answered(f.status)
	answer(w, r, f.status, f)
}
