package console

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"
)

//go:embed page
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"number": number}).ParseFS(pageFiles, "page/*.html"))

const (
	// maxApps is how many apps the page lists.
	maxApps = 500
	// refreshEvery is how often the page is loaded again when asked to, in
	// seconds.
	refreshEvery = 5
)

// overview is the first page: the apps, their totals, and what is behind.
type overview struct {
	Apps    []AppStatus // those with most to deliver first
	More    int         // apps that are not listed
	Total   AppStatus   // sums; only the counts are set
	Behind  int         // apps with something to deliver
	Fault   string      // why the server is not well; "" is well
	Refresh int         // seconds; 0 is off
	Every   int         // what Refresh is when it is on
	Now     time.Time
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request) {
	apps := slices.Clone(c.cfg.Apps(r.Context()))
	slices.SortStableFunc(apps, func(a, b AppStatus) int {
		return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(a.ID, b.ID))
	})
	page := overview{Apps: apps, Every: refreshEvery, Now: c.cfg.Now().UTC()}
	for _, a := range apps {
		page.Total.Attempts += a.Attempts
		page.Total.Accepted += a.Accepted
		page.Total.Refused += a.Refused
		page.Total.Dropped += a.Dropped
		page.Total.Repeated += a.Repeated
		page.Total.Unanswered += a.Unanswered
		page.Total.Waiting += a.Waiting
		if a.Waiting > 0 {
			page.Behind++
		}
	}
	if len(apps) > maxApps {
		page.Apps, page.More = apps[:maxApps], len(apps)-maxApps
	}
	if err := c.cfg.Healthy(r.Context()); err != nil {
		page.Fault = err.Error()
	} else if err := c.cfg.Ready(r.Context()); err != nil {
		page.Fault = err.Error()
	}
	if r.URL.Query().Get("refresh") != "" {
		page.Refresh = refreshEvery
	}
	c.render(w, http.StatusOK, "overview.html", page)
}

// render answers with a page, or with 500 before anything of it was sent.
func (c *Console) render(w http.ResponseWriter, status int, name string, data any) {
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, data); err != nil {
		c.cfg.Logger.Error("console.render_failed", "page", name, "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w)
}

// stylesheet is open, because the login needs it too.
func stylesheet(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, pageFiles, "page/page.css")
}

// number writes n with its thousands apart.
func number(n any) string {
	var digits string
	switch n := n.(type) {
	case int:
		digits = strconv.Itoa(n)
	case uint64:
		digits = strconv.FormatUint(n, 10)
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}
