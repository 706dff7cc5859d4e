package certs_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/certs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a certificate in two files.
type pair struct{ cert, key string }

// files names a pair in a folder of the test.
func files(t *testing.T) pair {
	dir := t.TempDir()
	return pair{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
}

// issue makes a certificate for 127.0.0.1 that says who it is.
func issue(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// put writes a new certificate into the files.
func (p pair) put(t *testing.T, name string) {
	t.Helper()
	cert, key := issue(t, name)
	write(t, p.cert, cert)
	write(t, p.key, key)
}

// age gives both files the same time of change, long past, so that they count
// as settled.
func (p pair) age(t *testing.T, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	for _, name := range []string{p.cert, p.key} {
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// log is a log that can be read while it is written.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) count(word string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), word)
}

// server serves the pair over HTTPS.
type server struct {
	t   *testing.T
	url string
	log *log
}

func serve(t *testing.T, p pair) *server {
	t.Helper()
	r, err := certs.Load(p.cert, p.key)
	if err != nil {
		t.Fatal(err)
	}
	l := &log{}
	r.Logger = slog.New(slog.NewTextHandler(l, nil))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
		TLSConfig: r.TLSConfig(),
	}
	done := make(chan error, 1)
	go func() { done <- s.ServeTLS(listener, "", "") }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return &server{t, "https://" + listener.Addr().String(), l}
}

// handshake makes a new connection and returns the name in its certificate and
// the version of HTTP that was spoken on it.
func (s *server) handshake(protocols ...string) (name, protocol string) {
	s.t.Helper()
	transport := &http.Transport{
		// What is tested is which certificate comes, not whether it is trusted.
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, NextProtos: protocols},
		ForceAttemptHTTP2: slices.Contains(protocols, "h2"),
	}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.TLS.PeerCertificates[0].Subject.CommonName, string(body)
}

func (s *server) mustServe(want string) {
	s.t.Helper()
	if name, _ := s.handshake(); name != want {
		s.t.Errorf("served %q, want %q", name, want)
	}
}

func TestReplacedPairIsServedFromTheNextHandshakeOn(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(t *testing.T, p pair){
		"written over": func(t *testing.T, p pair) { p.put(t, "second") },
		"renamed into place": func(t *testing.T, p pair) {
			other := pair{p.cert + ".new", p.key + ".new"}
			other.put(t, "second")
			rename(t, other.cert, p.cert)
			rename(t, other.key, p.key)
		},
		"renamed into place with the old size and time": func(t *testing.T, p pair) {
			other := pair{p.cert + ".new", p.key + ".new"}
			other.put(t, "second")
			disguise(t, p.cert, other.cert)
			disguise(t, p.key, other.key)
			rename(t, other.cert, p.cert)
			rename(t, other.key, p.key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := files(t)
			p.put(t, "first one, with a longer name")
			p.age(t, time.Hour)
			s := serve(t, p)
			s.mustServe("first one, with a longer name")
			replace(t, p)
			s.mustServe("second")
			if s.log.count("tls.reloaded") != 1 || s.log.count("tls.reload_failed") != 0 {
				t.Errorf("log: %s", s.log.text.String())
			}
		})
	}
}

// A file system's clock has steps; two writes within one leave the same time.
func TestPairWrittenTwiceWithinOneTickIsNotMissed(t *testing.T) {
	t.Parallel()
	p, other := files(t), files(t)
	p.put(t, "first one, with a longer name")
	s := serve(t, p)
	s.mustServe("first one, with a longer name")
	other.put(t, "second")
	for _, names := range [][2]string{{p.cert, other.cert}, {p.key, other.key}} {
		disguise(t, names[0], names[1])
		before, err := os.Stat(names[0])
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(names[1])
		if err != nil {
			t.Fatal(err)
		}
		write(t, names[0], content)
		if err := os.Chtimes(names[0], before.ModTime(), before.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
	s.mustServe("second")
}

func TestSymbolicLinkIsFollowedToItsNewTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"first", "second"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		p := pair{filepath.Join(dir, name, "tls.crt"), filepath.Join(dir, name, "tls.key")}
		p.put(t, name)
		p.age(t, time.Hour)
	}
	current := filepath.Join(dir, "current")
	link := func(target string) {
		if err := os.Symlink(target, current+".new"); err != nil {
			t.Skip("no symbolic links here:", err)
		}
		rename(t, current+".new", current)
	}
	link("first")
	s := serve(t, pair{filepath.Join(current, "tls.crt"), filepath.Join(current, "tls.key")})
	s.mustServe("first")
	link("second")
	s.mustServe("second")
}

func TestBrokenPairKeepsTheOldOneServingAndIsLoggedOnce(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, p pair){
		"half written": func(t *testing.T, p pair) { write(t, p.cert, []byte("-----BEGIN CERT")) },
		"empty key":    func(t *testing.T, p pair) { write(t, p.key, nil) },
		"key missing":  func(t *testing.T, p pair) { remove(t, p.key) },
		"cert missing": func(t *testing.T, p pair) { remove(t, p.cert) },
		"only the certificate renewed": func(t *testing.T, p pair) {
			cert, _ := issue(t, "second")
			write(t, p.cert, cert)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := files(t)
			p.put(t, "first")
			s := serve(t, p)
			spoil(t, p)
			for range 3 {
				s.mustServe("first")
			}
			if n := s.log.count("tls.reload_failed"); n != 1 {
				t.Errorf("logged %d times: %s", n, s.log.text.String())
			}
			p.put(t, "second")
			s.mustServe("second")
			spoil(t, p)
			s.mustServe("second")
			if n := s.log.count("tls.reload_failed"); n != 2 {
				t.Errorf("a later fault was logged %d times: %s", n-1, s.log.text.String())
			}
		})
	}
}

func TestFilesThatDoNotMakeAPairFailToLoad(t *testing.T) {
	t.Parallel()
	cert, key := issue(t, "one")
	otherCert, otherKey := issue(t, "two")
	for name, c := range map[string]struct {
		cert, key []byte // nil is a missing file
		want      string
	}{
		"key of another certificate": {cert, otherKey, "private key does not match"},
		"no certificate file":        {nil, key, "tls.crt"},
		"no key file":                {cert, nil, "tls.key"},
		"no PEM":                     {[]byte("hello"), key, "tls.crt"},
		"swapped":                    {otherKey, otherCert, "tls.crt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := files(t)
			if c.cert != nil {
				write(t, p.cert, c.cert)
			}
			if c.key != nil {
				write(t, p.key, c.key)
			}
			if _, err := certs.Load(p.cert, p.key); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("load says %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestHTTPVersionIsNegotiated(t *testing.T) {
	t.Parallel()
	p := files(t)
	p.put(t, "one")
	s := serve(t, p)
	for offered, want := range map[string]string{"h2": "HTTP/2.0", "http/1.1": "HTTP/1.1"} {
		if _, got := s.handshake(offered); got != want {
			t.Errorf("offered %s, spoke %s", offered, got)
		}
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	p := files(t)
	p.put(t, "one")
	s := serve(t, p)
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"),
			&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version})
		if err == nil {
			conn.Close()
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func TestEveryHandshakeDuringRenewalsGetsACertificate(t *testing.T) {
	t.Parallel()
	p := files(t)
	p.put(t, "one")
	r, err := certs.Load(p.cert, p.key)
	if err != nil {
		t.Fatal(err)
	}
	r.Logger = slog.New(slog.DiscardHandler)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if c, err := r.GetCertificate(&tls.ClientHelloInfo{}); err != nil || c == nil {
					t.Errorf("no certificate: %v", err)
				}
			}
		})
	}
	for range 10 {
		p.put(t, "next")
	}
	wg.Wait()
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// disguise gives the file name the size and the time of like, by blank lines
// at its end.
func disguise(t *testing.T, like, name string) {
	t.Helper()
	old, err := os.Stat(like)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	short := int(old.Size()) - len(content)
	if short < 0 {
		t.Fatalf("%s is larger than %s", name, like)
	}
	write(t, name, append(content, strings.Repeat("\n", short)...))
	if err := os.Chtimes(name, old.ModTime(), old.ModTime()); err != nil {
		t.Fatal(err)
	}
}
