package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// dist is the page, as `make web` built it from the folder web.
//
//go:embed dist
var dist embed.FS

//go:embed login.html
var loginSource string

var loginPage = template.Must(template.New("login").Parse(loginSource))

const (
	pageName  = "index.html"
	styleName = "console.css"
)

// built is one file of the page.
type built struct {
	content []byte
	kind    string // Content-Type
	tag     string // ETag
}

// files are the page by names.
var files = func() map[string]built {
	all := map[string]built{}
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		panic(err) // it is in the program
	}
	for _, e := range entries {
		content, err := fs.ReadFile(dist, "dist/"+e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		all[e.Name()] = built{content, contentType(e.Name()), `"` + hex.EncodeToString(sum[:12]) + `"`}
	}
	return all
}()

// contentType does not ask the machine's own tables, which may lack a type or
// have it wrong.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// asset answers with a file of the page.
func asset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, assetsPath)
	if _, ok := files[name]; !ok || name == pageName {
		http.NotFound(w, r)
		return
	}
	send(w, r, name)
}

// page answers every address of the console with the same document. Its script
// shows what the address names.
func page(w http.ResponseWriter, r *http.Request) { send(w, r, pageName) }

func send(w http.ResponseWriter, r *http.Request, name string) {
	f := files[name]
	h := w.Header()
	h.Set("Cache-Control", "no-cache") // kept, but asked for: a new program has a new page
	h.Set("ETag", f.tag)
	h.Set("Content-Type", f.kind)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(f.content)
}

// loginData is what the login page shows.
type loginData struct {
	Lang      string
	Words     words
	Fault     string // in words; "" is none
	Token     bool   // it asks for the token, not for a password
	Next      string // where to go on to; "" is the overview
	Languages []languageLink
}

type languageLink struct {
	Tag, Name, URL string
	Current        bool
}

// render answers with the login page, or with 500 before anything of it was sent.
func (c *Console) render(w http.ResponseWriter, status int, data loginData) {
	var body bytes.Buffer
	if err := loginPage.Execute(&body, data); err != nil {
		c.cfg.Logger.Error("console.render_failed", "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w)
}
