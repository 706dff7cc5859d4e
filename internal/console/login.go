package console

import (
	"math"
	"net/http"
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
		if c.sessions.holds(r) {
			next(w, r)
			return
		}
		if secret := secretOf(r); secret != "" {
			right, wait := c.try(r, secret)
			switch {
			case right:
				next(w, r)
			case wait > 0:
				retryAfter(w, wait)
				http.Error(w, "too many wrong secrets, try again later", http.StatusTooManyRequests)
			default:
				unauthorized(w, "wrong secret")
			}
			return
		}
		if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
			http.Redirect(w, r, loginPath, http.StatusSeeOther)
			return
		}
		unauthorized(w, "log in at "+loginPath+", or send Authorization: Bearer with the admin password or token")
	})
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
	c.renderLogin(w, http.StatusOK, "")
}

// login takes the form's field password, or token, which is the same.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		c.renderLogin(w, http.StatusBadRequest, "The form could not be read.")
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
		c.renderLogin(w, http.StatusTooManyRequests, "Too many wrong tries. Try again in a minute.")
	case !right:
		c.renderLogin(w, http.StatusUnauthorized, "That is not it. Try again.")
	default:
		c.sessions.end(r)
		http.SetCookie(w, sessionCookie(c.sessions.begin(), targetOf(r).secure))
		c.cfg.Logger.Info("console.login", "peer", r.RemoteAddr)
		http.Redirect(w, r, homePath, http.StatusSeeOther)
	}
}

// logout ends the session; without one it does nothing else than the rest.
func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	c.sessions.end(r)
	http.SetCookie(w, sessionCookie("", targetOf(r).secure))
	http.Redirect(w, r, loginPath, http.StatusSeeOther)
}

func (c *Console) renderLogin(w http.ResponseWriter, status int, fault string) {
	c.render(w, status, "login.html", struct {
		Fault string
		Token bool
	}{fault, c.token != ""})
}
