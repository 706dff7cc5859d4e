package monitor

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a key pair that is read again when its files change, looked
// for at most once a second when a connection begins. A pair that cannot be
// read leaves the one before in use.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger
	now               func() time.Time

	mu      sync.Mutex
	pair    *tls.Certificate
	looked  time.Time
	changed [2]fileMark
}

type fileMark struct {
	size int64
	mod  time.Time
}

func loadCertificate(certFile, keyFile string, logger *slog.Logger, now func() time.Time) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, logger: logger, now: now}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	// Noted before reading: a change in between is seen the next time.
	marks := c.marks()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("load TLS certificate: %w", err)
	}
	c.pair, c.changed = &pair, marks
	return nil
}

func (c *certificate) marks() (marks [2]fileMark) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			marks[i] = fileMark{info.Size(), info.ModTime()}
		}
	}
	return marks
}

// get is for tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked).Abs() >= time.Second {
		c.looked = now
		if c.marks() != c.changed {
			if err := c.load(); err != nil {
				c.logger.Error("tls.reload_failed", "error", err)
			} else {
				c.logger.Info("tls.reloaded", "cert", c.certFile)
			}
		}
	}
	return c.pair, nil
}
