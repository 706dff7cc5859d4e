package console

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// forwardedHeaders are what a proxy says of the request it passes on.
var forwardedHeaders = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// guard decides which requests may come as far as the login.
type guard struct {
	host    string // of the listen address, lower case; "" for all addresses
	proxies []netip.Prefix
}

func newGuard(listen string, proxies []netip.Prefix) guard {
	host := hostname(listen)
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = ""
	}
	return guard{host: host, proxies: proxies}
}

// target is what the caller's browser sees as our address.
type target struct {
	host   string // with the port if it was given
	secure bool   // reached by TLS
}

// guarded lets through what the guard does not refuse, with its target.
func (c *Console) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, refusal := c.guard.check(r)
		if refusal != "" {
			c.cfg.Logger.Debug("console.refused", "reason", refusal, "peer", r.RemoteAddr)
			http.Error(w, refusal, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), targetKey{}, to)))
	})
}

type targetKey struct{}

func targetOf(r *http.Request) target {
	to, _ := r.Context().Value(targetKey{}).(target)
	return to
}

// check returns where r was sent to, or why it is refused.
func (g guard) check(r *http.Request) (to target, refusal string) {
	to = target{host: r.Host, secure: r.TLS != nil}
	if slices.ContainsFunc(forwardedHeaders, func(h string) bool { return len(r.Header.Values(h)) > 0 }) {
		if !g.trusts(r) {
			return to, "this request says it was forwarded, but not by a trusted proxy"
		}
		to = asForwarded(r, to)
		if hostname(to.host) == "" {
			return to, "the proxy did not say which host was asked for"
		}
	} else if !g.ours(r) {
		return to, "this server is not known under the host of this request"
	}
	if !reads(r.Method) && !sameOrigin(r, to) {
		return to, "this request was not sent by a page of this server"
	}
	return to, ""
}

// reads says whether a method changes nothing.
func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// trusts says whether the peer is a trusted proxy.
func (g guard) trusts(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	from := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(g.proxies, func(p netip.Prefix) bool { return p.Contains(from) })
}

// ours says whether the request names this server as its host. A page of
// somebody else that had its own name point here still names itself.
func (g guard) ours(r *http.Request) bool {
	host := hostname(r.Host)
	if host == "localhost" || (host != "" && host == g.host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	if ip.IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	here, err := netip.ParseAddrPort(local.String())
	return err == nil && here.Addr().Unmap().WithZone("") == ip.WithZone("")
}

// asForwarded takes what the nearest proxy says of the request: the last
// entry of each header. What it leaves out it has passed on unchanged.
func asForwarded(r *http.Request, to target) target {
	host, proto := last(r, "X-Forwarded-Host"), last(r, "X-Forwarded-Proto")
	for pair := range strings.SplitSeq(last(r, "Forwarded"), ";") {
		name, value, _ := strings.Cut(pair, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "host":
			host = value
		case "proto":
			proto = value
		}
	}
	if host != "" {
		to.host = host
	}
	if proto != "" {
		to.secure = strings.EqualFold(proto, "https")
	}
	return to
}

func last(r *http.Request, header string) string {
	all := strings.Join(r.Header.Values(header), ",")
	return strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
}

// sameOrigin says whether a request that changes something comes from a page
// of ours. A program that brings the secret itself is no page: a browser would
// have told the origin, and never adds a secret by itself to what it was not
// asked for by this server.
func sameOrigin(r *http.Request, to target) bool {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	switch {
	case site != "":
		return site == "same-origin"
	case origin == "":
		return secretOf(r) != ""
	}
	from, err := url.Parse(origin)
	if err != nil || from.Host == "" {
		return false
	}
	return withPort(from.Host, from.Scheme) == withPort(to.host, from.Scheme)
}

// hostname is the host of host or host:port, in lower case, without brackets
// and without the dot of the root.
func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// withPort is host:port in one spelling, with the scheme's port if none is
// given.
func withPort(hostport, scheme string) string {
	_, port, err := net.SplitHostPort(hostport)
	if err != nil || port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return net.JoinHostPort(hostname(hostport), port)
}
