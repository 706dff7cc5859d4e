package monitor

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const callbackPath = "/callback"

//go:embed page
var pageFiles embed.FS

// routes is every address of the monitor.
func (m *Monitor) routes() http.Handler {
	page, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	mux := http.NewServeMux()
	mux.Handle(callbackPath, m.receiver())
	mux.HandleFunc("GET /api/exceptions", m.exceptions)
	mux.HandleFunc("GET /api/summary", m.summary)
	mux.HandleFunc("GET /api/stream", m.stream)
	mux.HandleFunc("GET /healthz", m.healthz)
	mux.HandleFunc("GET /readyz", m.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.Handle("GET /{$}", http.FileServerFS(page))
	mux.Handle("GET /page.css", http.FileServerFS(page))
	mux.Handle("GET /page.js", http.FileServerFS(page))
	return secure(mux)
}

// secure forbids a browser everything the page does not need.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
			"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// healthz answers 200 as long as the process serves.
func (m *Monitor) healthz(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }

// readyz answers 200 while the store takes writes.
func (m *Monitor) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := m.store.writable(); err != nil {
		m.cfg.Logger.Warn("store.not_writable", "error", err)
		http.Error(w, "the store takes no writes", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}
