package console

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxForm is the most bytes of a login form.
const maxForm = 8 << 10

// behindLogin lets through who has a session or brings the secret along. A
// browser is sent to the login, a program gets 401.
func (c *Console) behindLogin(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch ok, wait := c.knows(r); {
		case ok:
			next(w, r)
		case wait > 0:
			retryAfter(w, wait)
			http.Error(w, "too many wrong secrets, try again later", http.StatusTooManyRequests)
		case secretOf(r) != "":
			unauthorized(w, "wrong secret")
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, loginPath+wanted(r), http.StatusSeeOther)
		default:
			unauthorized(w, "log in at "+loginPath+", or send Authorization: Bearer with the admin password or token")
		}
	})
}

// knows says whether r has a session or brings the right secret. If wait is not
// 0, there were too many wrong ones to look at this one.
func (c *Console) knows(r *http.Request) (ok bool, wait time.Duration) {
	if c.sessions.holds(r) {
		return true, 0
	}
	if secret := secretOf(r); secret != "" {
		return c.try(r, secret)
	}
	return false, 0
}

// wanted is the query of the login that leads back to the page asked for.
func wanted(r *http.Request) string {
	to := r.URL.RequestURI()
	if to == homePath || !isPage(to) {
		return ""
	}
	return "?" + url.Values{"next": {to}}.Encode()
}

// isPage says whether a path, with its query, is one of the console's pages:
// where the login may lead on to.
func isPage(to string) bool {
	u, err := url.ParseRequestURI(to)
	return err == nil && strings.HasPrefix(to, "/") && u.Host == "" && (u.Path == homePath || strings.HasPrefix(u.Path, appsPath)) &&
		!strings.ContainsAny(to, "\\\r\n#") && !strings.Contains(u.Path, "//") && !strings.Contains(u.Path+"/", "/../")
}

// secretOf is the secret that the request brings along: as a bearer, or as the
// password of basic authentication, the one form that a URL has room for and
// `go tool pprof` therefore can use. A browser is never asked for the latter.
func secretOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}

// try asks the door, and logs what is worth knowing; that is at most the
// door's limit of wrong tries.
func (c *Console) try(r *http.Request, secret string) (right bool, wait time.Duration) {
	right, wait = c.door.try(secret)
	if !right && wait == 0 {
		c.cfg.Logger.Warn("console.wrong_secret", "peer", r.RemoteAddr, "path", r.URL.Path)
	}
	return right, wait
}

func unauthorized(w http.ResponseWriter, text string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="parley admin"`)
	http.Error(w, text, http.StatusUnauthorized)
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}

// showLogin is the form.
func (c *Console) showLogin(w http.ResponseWriter, r *http.Request) {
	if c.sessions.holds(r) {
		http.Redirect(w, r, homePath, http.StatusSeeOther)
		return
	}
	c.renderLogin(w, r, http.StatusOK, "")
}

// login takes the form's field password, or token, which is the same, and goes
// on to the page that was asked for before.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		c.renderLogin(w, r, http.StatusBadRequest, "unreadable")
		return
	}
	secret := r.PostForm.Get("password")
	if secret == "" {
		secret = r.PostForm.Get("token")
	}
	right, wait := c.try(r, secret)
	switch {
	case wait > 0:
		retryAfter(w, wait)
		c.renderLogin(w, r, http.StatusTooManyRequests, "many")
	case !right:
		c.renderLogin(w, r, http.StatusUnauthorized, "wrong")
	default:
		c.sessions.end(r)
		http.SetCookie(w, sessionCookie(c.sessions.begin(), targetOf(r).secure))
		c.cfg.Logger.Info("console.login", "peer", r.RemoteAddr)
		http.Redirect(w, r, nextOf(r), http.StatusSeeOther)
	}
}

// nextOf is the page to go on to after the login.
func nextOf(r *http.Request) string {
	if to := r.FormValue("next"); isPage(to) {
		return to
	}
	return homePath
}

// logout ends the session; without one it does nothing else than the rest.
func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	c.sessions.end(r)
	http.SetCookie(w, sessionCookie("", targetOf(r).secure))
	http.Redirect(w, r, loginPath, http.StatusSeeOther)
}

// renderLogin shows the form, with the fault of that name above it if any.
func (c *Console) renderLogin(w http.ResponseWriter, r *http.Request, status int, fault string) {
	tag := languageOf(w, r, targetOf(r).secure)
	data := loginData{Lang: tag, Words: loginWords[tag], Fault: loginWords[tag].Faults[fault], Token: c.token != ""}
	if next := nextOf(r); next != homePath {
		data.Next = next
	}
	for _, l := range languages {
		link := url.Values{"lang": {l.Tag}}
		if data.Next != "" {
			link.Set("next", data.Next)
		}
		data.Languages = append(data.Languages, languageLink{l.Tag, l.Name, loginPath + "?" + link.Encode(), l.Tag == tag})
	}
	c.render(w, status, data)
}
