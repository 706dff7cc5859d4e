// Package certs serves a TLS certificate from two files and follows them when
// they change, so that a renewal needs no restart.
//
// The files are looked at when a connection begins, which costs two calls of
// stat; nothing runs in the background. A changed pair holds from the next
// handshake on; connections that exist keep the one they began with. While the
// files cannot be read, or do not belong together (a renewal between its two
// writes), the pair before stays in use, and each different fault is logged
// once.
package certs

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// settled is the age from which a file's time of change can be trusted: a
// younger file may be written again without its time moving, because file
// systems count in steps of up to 2 seconds. Until then it is read again.
const settled = 3 * time.Second

// Reloader is a certificate with its key, as its two files have it. Make it
// with [Load]. It can be used from any number of goroutines.
type Reloader struct {
	// Logger is told of each new pair ("tls.reloaded") and of each fault that
	// kept one out ("tls.reload_failed"); nil is [slog.Default]. It must not
	// change once the certificate is in use.
	Logger *slog.Logger

	certFile, keyFile string

	mu    sync.Mutex
	pair  *tls.Certificate
	last  reading
	fault string // of the newest reading; logged already
}

// reading is what the files were when they were last read.
type reading struct {
	cert, key contents
	err       error
}

// contents is one file. Its info is nil if it could not be read.
type contents struct {
	pem  []byte
	info os.FileInfo
	at   time.Time // when it was read
}

// Load reads a certificate, followed by its intermediate certificates if there
// are any, and its private key, both PEM. It fails if a file cannot be read,
// if it holds nothing of the kind, or if the two do not belong together.
func Load(certFile, keyFile string) (*Reloader, error) {
	r := &Reloader{certFile: certFile, keyFile: keyFile}
	r.last = r.read()
	if err := r.take(); err != nil {
		return nil, err
	}
	return r, nil
}

// TLSConfig is a server's configuration with this certificate, for TLS 1.2 and
// newer, HTTP/2 and HTTP/1.1. Each call makes a new one.
func (r *Reloader) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: r.GetCertificate,
	}
}

// GetCertificate is for [tls.Config]: it returns the pair of the files as they
// are now, or the last good one. It never fails.
func (r *Reloader) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.cert.current(r.certFile) && r.last.key.current(r.keyFile) {
		return r.pair, nil
	}
	before := r.last
	r.last = r.read()
	if r.last.same(before) {
		return r.pair, nil
	}
	if err := r.take(); err != nil {
		if r.fault != err.Error() {
			r.fault = err.Error()
			r.logger().Error("tls.reload_failed", "cert", r.certFile, "key", r.keyFile, "error", err)
		}
		return r.pair, nil
	}
	r.fault = ""
	r.logger().Info("tls.reloaded", "cert", r.certFile, "expires", r.pair.Leaf.NotAfter)
	return r.pair, nil
}

func (r *Reloader) logger() *slog.Logger {
	if r.Logger == nil {
		return slog.Default()
	}
	return r.Logger
}

// take makes the newest reading the pair in use.
func (r *Reloader) take() error {
	if r.last.err != nil {
		return fmt.Errorf("TLS certificate: %w", r.last.err)
	}
	pair, err := tls.X509KeyPair(r.last.cert.pem, r.last.key.pem)
	if err != nil {
		return fmt.Errorf("TLS certificate %s with key %s: %w", r.certFile, r.keyFile, err)
	}
	r.pair = &pair
	return nil
}

func (r *Reloader) read() (now reading) {
	if now.cert, now.err = readFile(r.certFile); now.err == nil {
		now.key, now.err = readFile(r.keyFile)
	}
	return now
}

// same says whether two readings have the same outcome, so that there is
// nothing to parse.
func (a reading) same(b reading) bool {
	return a.err == nil && b.err == nil && bytes.Equal(a.cert.pem, b.cert.pem) && bytes.Equal(a.key.pem, b.key.pem)
}

// readFile notes what the file is before reading it: a change in between is
// seen the next time.
func readFile(name string) (c contents, err error) {
	c.at = time.Now()
	info, err := os.Stat(name)
	if err != nil {
		return c, err
	}
	if c.pem, err = os.ReadFile(name); err != nil {
		return c, err
	}
	c.info = info
	return c, nil
}

// current says whether the named file is surely still the one that was read.
// A file put in its place under the old one's size and time is another one.
func (c contents) current(name string) bool {
	if c.info == nil || c.at.Sub(c.info.ModTime()) < settled {
		return false
	}
	now, err := os.Stat(name)
	return err == nil && os.SameFile(now, c.info) && now.Size() == c.info.Size() && now.ModTime().Equal(c.info.ModTime())
}
