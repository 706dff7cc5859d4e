package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// client posts to one endpoint. It follows no redirects and checks the address
// it connects to, not only the one that was entered.
type client struct {
	transport http.RoundTripper
	timeout   time.Duration
	again     bool // see post; not for questions, which are never repeated
}

// Network is how callbacks reach their receivers.
type Network struct {
	// Hosted refuses addresses in private and loopback ranges.
	Hosted bool
	// Proxy is a forward proxy that all callbacks go through, nil for none; the
	// environment's settings are not looked at. It resolves the names, so the
	// address that is checked is its own, and what may be reached through it is for
	// it to decide.
	Proxy *url.URL
}

// newClient makes a client for an endpoint that keeps up to conns connections.
func newClient(e *chat.Endpoint, conns int, n Network, timeout time.Duration) (*client, error) {
	t := &http.Transport{
		DialContext: (&net.Dialer{
			Timeout:   timeout,
			KeepAlive: 30 * time.Second,
			Control: func(_, address string, _ syscall.RawConn) error {
				return checkAddress(address, n.Hosted && n.Proxy == nil)
			},
		}).DialContext,
		MaxIdleConnsPerHost:    conns,
		MaxConnsPerHost:        conns,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    timeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if n.Proxy != nil {
		t.Proxy = http.ProxyURL(n.Proxy)
	}
	if e.MinTLS == "1.3" {
		t.TLSClientConfig.MinVersion = tls.VersionTLS13
	}
	if e.CA != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(e.CA)) {
			return nil, errors.New("the callback CA holds no certificate")
		}
		t.TLSClientConfig.RootCAs = pool
	}
	if e.ClientCert != "" {
		pair, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey))
		if err != nil {
			return nil, errors.New("the client certificate and its key do not fit") // the error might show the key
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return &client{transport: t, timeout: timeout}, nil
}

// close closes the connections that are not in use.
func (c *client) close() {
	if t, ok := c.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

var errAddress = errors.New("address not allowed for callbacks")

// special are the ranges of a server's own surroundings that the address does
// not tell by itself: shared and benchmark addresses, those of the protocols'
// own use, and IPv4 within IPv6.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

// metadata are where clouds tell their machines secrets, beside the link-local
// range: of Amazon and Google over IPv6, Alibaba, Oracle and Azure.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("fd20:ce::254"),
	netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("192.0.0.192"),
	netip.MustParseAddr("168.63.129.16"),
}

// embedded is the IPv4 address within an IPv6 one that stands for it: mapped and
// compatible ones, those of NAT64 and of 6to4.
func embedded(ip netip.Addr) (netip.Addr, bool) {
	b := ip.As16()
	for _, in := range []struct {
		prefix string
		at     int
	}{{"64:ff9b::/96", 12}, {"::/96", 12}, {"2002::/16", 2}} {
		if netip.MustParsePrefix(in.prefix).Contains(ip) {
			return netip.AddrFrom4([4]byte(b[in.at : in.at+4])), true
		}
	}
	return ip, false
}

// checkAddress refuses addresses that no app backend can have: link-local ones,
// where clouds keep their metadata, and with hosted also private and loopback
// ones and everything else that is not out in the internet.
func checkAddress(address string, hosted bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errAddress, address)
	}
	ip := ap.Addr().Unmap().WithZone("")
	if v4, is := embedded(ip); ip.Is6() && is && !ip.IsLoopback() && !ip.IsUnspecified() {
		if err := checkAddress(netip.AddrPortFrom(v4, ap.Port()).String(), hosted); err != nil {
			return fmt.Errorf("%w: %s", errAddress, ip)
		}
	}
	inside := func(p netip.Prefix) bool { return p.Contains(ip) }
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(), slices.Contains(metadata, ip),
		hosted && (ip.IsPrivate() || ip.IsLoopback() || slices.ContainsFunc(special, inside)):
		return fmt.Errorf("%w: %s", errAddress, ip)
	}
	return nil
}

// post makes one attempt. extra are headers in the spelling they are sent in. A
// fault while reading the answer counts only for a 200, where the answer
// matters.
//
// A connection that was kept may have died with the receiver's last restart,
// which shows only when it is used. With again, a request that such a
// connection took without a byte of an answer is made once more, on another.
func (c *client) post(ctx context.Context, to *url.URL, body []byte, extra http.Header) (status int, header http.Header, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var kept, answered atomic.Bool
	res, err := c.roundTrip(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(i httptrace.GotConnInfo) { kept.Store(i.Reused) },
		GotFirstResponseByte: func() { answered.Store(true) },
	}), to, body, extra)
	if err != nil && c.again && kept.Load() && !answered.Load() && ctx.Err() == nil {
		c.close() // the others are as old
		res, err = c.roundTrip(ctx, to, body, extra)
	}
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols { // its body is the connection, which no context ends
		return res.StatusCode, res.Header, nil, nil
	}
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil && res.StatusCode == http.StatusOK {
		return 0, nil, answer, fmt.Errorf("read the answer: %w", err)
	}
	return res.StatusCode, res.Header, answer, nil
}

func (c *client) roundTrip(ctx context.Context, to *url.URL, body []byte, extra http.Header) (*http.Response, error) {
	return c.transport.RoundTrip((&http.Request{
		Method: http.MethodPost, URL: to, Host: to.Host, Header: extra,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}).WithContext(ctx))
}

// reasonOf puts a fault of the network into a few words for people.
func reasonOf(err error) string {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "time-out"
	case errors.Is(err, context.Canceled):
		return "stopped"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed by the receiver"
	case errors.Is(err, errAddress):
		return err.Error()[strings.Index(err.Error(), errAddress.Error()):]
	case errors.As(err, &dns):
		return "DNS: " + dns.Name + " does not resolve"
	case errors.As(err, &unknown):
		return "TLS: the certificate is signed by an unknown authority"
	case errors.As(err, &name):
		return "TLS: the certificate is for another name"
	case errors.As(err, &invalid):
		return "TLS: the certificate is not valid"
	case errors.As(err, &record):
		return "TLS: the receiver does not speak TLS"
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "time-out"
	}
	if strings.Contains(err.Error(), "malformed") {
		return "the answer is not HTTP"
	}
	return clip(err.Error())
}
