package console

import (
	"encoding/json"
	"net/http"

	"github.com/parley-im/parley/api"
)

// pageHeader stands in every request of the page that may change something. A
// page of somebody else cannot set it without asking first, and is never
// allowed to: a second lock beside the origin, which old browsers may not tell.
const pageHeader = "X-Parley-Console"

// api answers the page's own calls. Every refusal is JSON, because a script
// reads it.
func (c *Console) api() http.Handler {
	next := c.cfg.API
	if next == nil {
		next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			refuse(w, http.StatusNotFound, api.CodeUnknownCommand, "this server has no such address")
		})
	}
	next = http.StripPrefix(apiPath, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch ok, wait := c.knows(r); {
		case wait > 0:
			retryAfter(w, wait)
			refuse(w, http.StatusTooManyRequests, api.CodeUserSigTooManyFailures, "too many wrong secrets, try again later")
		case !ok:
			refuse(w, http.StatusUnauthorized, api.CodeNotAdmin, "log in first")
		case !reads(r.Method) && r.Header.Get(pageHeader) != "1":
			refuse(w, http.StatusForbidden, api.CodeIllegalRequest, "a change needs the header "+pageHeader+": 1")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// refuse answers in the form of the API.
func refuse(w http.ResponseWriter, status int, code api.Code, info string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		ErrorCode api.Code
		ErrorInfo string
	}{code, info})
}
