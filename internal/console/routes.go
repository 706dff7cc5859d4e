package console

import (
	"context"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	homePath   = "/admin/"
	appsPath   = "/admin/apps/" // of the pages of each app
	loginPath  = "/admin/login"
	assetsPath = "/admin/assets/"
	apiPath    = "/admin/api"
)

// What a browser may do with our pages, and with those of the profiler, which
// carry their style in them.
const (
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	profilePolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; " +
		"base-uri 'none'; frame-ancestors 'none'"
)

// routes is every address of the console. What is not here is 404.
func (c *Console) routes() http.Handler {
	guarded := http.NewServeMux()
	guarded.HandleFunc("GET "+assetsPath+styleName, asset) // open: the login needs it too
	guarded.Handle("GET "+assetsPath, c.behindLogin(asset))
	guarded.HandleFunc("GET "+loginPath, c.showLogin)
	guarded.HandleFunc("POST "+loginPath, c.login)
	guarded.HandleFunc("POST /admin/logout", c.logout)
	guarded.Handle(apiPath+"/", c.api())
	guarded.Handle("GET "+homePath+"{$}", c.behindLogin(page))
	guarded.Handle("GET "+appsPath, c.behindLogin(page))

	profile := func(pattern string, h http.HandlerFunc) {
		guarded.Handle(pattern, c.behindLogin(withPolicy(profilePolicy, h)))
	}
	profile("GET /debug/pprof/", pprof.Index)
	profile("GET /debug/pprof/cmdline", pprof.Cmdline)
	profile("GET /debug/pprof/profile", pprof.Profile)
	profile("GET /debug/pprof/trace", pprof.Trace)
	profile("GET /debug/pprof/symbol", pprof.Symbol)
	profile("POST /debug/pprof/symbol", pprof.Symbol)

	mux := http.NewServeMux()
	mux.Handle("/", c.guarded(withPolicy(pagePolicy, guarded.ServeHTTP)))
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.cfg.Gatherer, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", health(c.cfg.Healthy))
	mux.HandleFunc("GET /readyz", health(c.cfg.Ready))
	return mux
}

// withPolicy forbids a browser everything that the answer does not need.
func withPolicy(policy string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		// Not "no-referrer": under it a browser says "Origin: null" to our own
		// forms, and the guard needs the origin.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next(w, r)
	}
}

// health answers 200, or 503 with the reason.
func health(check func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := check(r.Context()); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(err.Error() + "\n"))
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	}
}
