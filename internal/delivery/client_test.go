package delivery

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

func TestAddressesAreCheckedWhereTheyAreConnectedTo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address         string
		plain, asHosted bool // whether it may be called
	}{
		{"93.184.216.34:443", true, true},
		{"[2606:2800:220:1::1]:443", true, true},
		{"127.0.0.1:80", true, false},
		{"127.8.9.10:80", true, false},
		{"[::1]:80", true, false},
		{"10.1.2.3:80", true, false},
		{"172.16.0.1:80", true, false},
		{"172.32.0.1:80", true, true},
		{"192.168.1.1:80", true, false},
		{"[fd12:3456::1]:80", true, false},
		{"[fd00:ec2::254]:80", false, false}, // metadata of a cloud
		{"100.100.100.200:80", false, false}, // of another
		{"192.0.0.192:80", false, false},     // and another
		{"169.254.169.254:80", false, false}, // of most
		{"[fe80::1]:80", false, false},       // link-local
		{"[fe80::1%eth0]:80", false, false},  // with its zone
		{"[::ffff:169.254.169.254]:80", false, false},
		{"[::ffff:127.0.0.1]:80", true, false},
		{"[::ffff:10.0.0.1]:80", true, false},
		{"[::ffff:93.184.216.34]:80", true, true},
		{"[64:ff9b::7f00:1]:80", true, false}, // 127.0.0.1 behind a translator
		{"[64:ff9b::a9fe:a9fe]:80", false, false},
		{"[::169.254.169.254]:80", false, false},
		{"[::127.0.0.1]:80", true, false},
		{"[2002:a9fe:a9fe::1]:80", false, false},
		{"[2002:7f00:1::]:80", true, false},
		{"100.64.0.1:80", true, false},
		{"198.18.0.1:80", true, false},
		{"0.0.0.0:80", false, false},
		{"[::]:80", false, false},
		{"0.1.2.3:80", true, false},
		{"224.0.0.1:80", false, false},
		{"239.1.2.3:80", false, false},
		{"[ff02::1]:80", false, false},
		{"255.255.255.255:80", true, false},
		{"example.com:80", false, false}, // not resolved: nothing to judge
		{"", false, false},
	} {
		for hosted, allowed := range map[bool]bool{false: c.plain, true: c.asHosted} {
			if err := checkAddress(c.address, hosted); (err == nil) != allowed {
				t.Errorf("%s, hosted %t: %v", c.address, hosted, err)
			}
		}
	}
}

// call makes one attempt with a client of its own and judges it.
func call(t *testing.T, address, ca string, hosted bool, timeout time.Duration) (judgement, []byte) {
	t.Helper()
	c, err := newClient(&chat.Endpoint{CA: ca}, 1, Network{Hosted: hosted}, timeout)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	status, header, answer, err := c.post(context.Background(), u, []byte(`{}`), http.Header{})
	return judge(status, header, answer, err, time.Now()), answer
}

// rawServer answers each request with bytes, as a receiver that is no HTTP
// server might. answer may write until the connection is closed.
func rawServer(t *testing.T, answer func(n int, c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var requests atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { c.Close() })()
				r := bufio.NewReader(c)
				for {
					request, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, request.Body); err != nil {
						return
					}
					answer(int(requests.Add(1)), c)
				}
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

func say(text string) func(int, net.Conn) {
	return func(_ int, c net.Conn) { _, _ = io.WriteString(c, text) }
}

func sayAndClose(text string) func(int, net.Conn) {
	return func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, text)
		c.Close()
	}
}

// forever repeats text until the client goes away.
func forever(head, text string) func(int, net.Conn) {
	return func(_ int, c net.Conn) {
		if _, err := io.WriteString(c, head); err != nil {
			return
		}
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

func TestWhateverAReceiverSendsEndsInTimeAndInWords(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 4096, strings.Repeat(" ", 4096))
	for _, c := range []struct {
		name   string
		answer func(int, net.Conn)
		fate   fate
		reason string
	}{
		{"an answer", say(head + "Content-Length: 2\r\n\r\n{}"), delivered, ""},
		{"an answer of HTTP/1.0", sayAndClose("HTTP/1.0 200 OK\r\n\r\n{}"), delivered, ""},
		{"an interim answer before", say("HTTP/1.1 100 Continue\r\n\r\n" + head + "Content-Length: 2\r\n\r\n{}"), delivered, ""},
		{"nothing", func(int, net.Conn) {}, broken, "time-out"},
		{"half a head", say("HTTP/1.1 20"), broken, "time-out"},
		{"a head and no body", say(head + "Content-Length: 2\r\n\r\n"), broken, "time-out"},
		{"half a body and the end", sayAndClose(head + "Content-Length: 9\r\n\r\n{}"), broken, "connection closed by the receiver"},
		{"the end", func(_ int, c net.Conn) { c.Close() }, broken, "connection closed by the receiver"},
		{"garbage", sayAndClose("\x00\x01\x02 garbage\r\n\r\n"), broken, "the answer is not HTTP"},
		{"another protocol", sayAndClose("220 mail.example.com ESMTP\r\n"), broken, "the answer is not HTTP"},
		{"a huge answer", forever(head+"Content-Length: 1000000000\r\n\r\n{", " "+strings.Repeat("x", 4096)), objected, "longer than 64 KB"},
		{"chunks without end", forever(head+"Transfer-Encoding: chunked\r\n\r\n", chunk), objected, "longer than 64 KB"},
		{"a head without end", forever(head, "X-More: "+strings.Repeat("x", 1000)+"\r\n"), broken, ""},
		{"410 with a body that never ends", say("HTTP/1.1 410 Gone\r\nContent-Length: 10\r\n\r\n{"), gone, "410"},
		{"500 with chunks without end", forever("HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n", chunk), broken, "500"},
		{"a redirect", say("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), failed, "redirects are not followed"},
		{"another protocol that it switches to", sayAndClose("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), failed, "101"},
		{"another protocol that says nothing more", say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), failed, "101"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const timeout = time.Second
			began := time.Now()
			j, answer := call(t, rawServer(t, c.answer), "", false, timeout)
			if j.fate != c.fate || !strings.Contains(j.reason, c.reason) {
				t.Errorf("fate %d, reason %q; want %d, %q", j.fate, j.reason, c.fate, c.reason)
			}
			if len(answer) > maxAnswer {
				t.Errorf("%d bytes were read", len(answer))
			}
			if took := time.Since(began); took > 5*timeout {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed.Store(true)
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	if j, _ := call(t, s.URL, "", false, 5*time.Second); j.fate != failed || followed.Load() {
		t.Errorf("judged %+v, followed %t", j, followed.Load())
	}
}

func TestTLSIsChecked(t *testing.T) {
	t.Parallel()
	quiet := func(s *httptest.Server) { s.Config.ErrorLog = log.New(io.Discard, "", 0) }
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, okAnswer) })
	secure := httptest.NewUnstartedServer(answer)
	quiet(secure)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewUnstartedServer(answer)
	quiet(plain)
	plain.Start()
	t.Cleanup(plain.Close)

	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	for _, c := range []struct {
		name, url, ca string
		fate          fate
		reason        string
	}{
		{"own CA", secure.URL, ca, delivered, ""},
		{"the system's CAs", secure.URL, "", broken, "TLS: the certificate is signed by an unknown authority"},
		{"another name", "https://localhost:" + port, ca, broken, "TLS: the certificate is for another name"},
		{"no TLS at all", strings.Replace(plain.URL, "http", "https", 1), ca, broken, "TLS: the receiver does not speak TLS"},
		{"TLS where none is expected", strings.Replace(secure.URL, "https", "http", 1), "", failed, "400 Bad Request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if j, _ := call(t, c.url, c.ca, false, 5*time.Second); j.fate != c.fate || j.reason != c.reason {
				t.Errorf("judged %+v, want %d %q", j, c.fate, c.reason)
			}
		})
	}
	if _, err := newClient(&chat.Endpoint{CA: "not PEM"}, 1, Network{}, time.Second); err == nil {
		t.Error("a CA without a certificate is taken")
	}
}

func TestFaultsOfTheNetworkHaveWords(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	for name, c := range map[string]struct {
		url    string
		hosted bool
		want   string
	}{
		"nobody listens":                        {closed, false, "connection refused"},
		"no such name":                          {"http://no-such-host.invalid", false, "DNS: no-such-host.invalid does not resolve"},
		"metadata":                              {"http://169.254.169.254/latest", false, "address not allowed for callbacks: 169.254.169.254"},
		"loopback, hosted":                      {closed, true, "address not allowed for callbacks: 127.0.0.1"},
		"a name that leads to loopback, hosted": {"http://localhost:1", true, "address not allowed for callbacks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if j, _ := call(t, c.url, "", c.hosted, 5*time.Second); j.fate != broken || !strings.HasPrefix(j.reason, c.want) {
				t.Errorf("judged %+v, want %q", j, c.want)
			}
		})
	}
	for want, err := range map[string]error{
		"stopped":                               context.Canceled,
		"DNS: example.invalid does not resolve": &net.OpError{Op: "dial", Err: &net.DNSError{Name: "example.invalid", IsNotFound: true}},
		"TLS: the certificate is not valid":     x509.CertificateInvalidError{Reason: x509.Expired},
	} {
		if reason := reasonOf(fmt.Errorf("attempt: %w", err)); reason != want {
			t.Errorf("%q, want %q", reason, want)
		}
	}
}

// A receiver that was restarted has closed the connections that were kept,
// which may show only when the next request is on its way.
func TestARequestOnADeadConnectionIsMadeOnceMoreOnANewOne(t *testing.T) {
	t.Parallel()
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
	for _, c := range []struct {
		name     string
		again    bool
		last     func(int, net.Conn) // what becomes of the second request and later ones
		fate     fate
		requests int64 // that arrived, all in all
	}{
		{"event", true, func(n int, conn net.Conn) {
			if n == 2 {
				conn.Close()
				return
			}
			_, _ = io.WriteString(conn, answer)
		}, delivered, 3},
		{"event that kills each connection", true, func(_ int, conn net.Conn) { conn.Close() }, broken, 3},
		{"event whose answer began", true, func(_ int, conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 2")
			conn.Close()
		}, broken, 2},
		{"question", false, func(_ int, conn net.Conn) { conn.Close() }, broken, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			address := rawServer(t, func(n int, conn net.Conn) {
				requests.Add(1)
				if n == 1 {
					_, _ = io.WriteString(conn, answer)
					return
				}
				c.last(n, conn)
			})
			cl, err := newClient(&chat.Endpoint{}, 1, Network{}, 5*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer cl.close()
			cl.again = c.again
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			var j judgement
			for range 2 {
				status, header, body, err := cl.post(t.Context(), u, []byte(`{}`), http.Header{})
				j = judge(status, header, body, err, time.Now())
			}
			if j.fate != c.fate || requests.Load() != c.requests {
				t.Errorf("judged %+v after %d requests, want %d after %d", j, requests.Load(), c.fate, c.requests)
			}
		})
	}
}
