package monitor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/monitor"
)

// certify writes a new self-signed pair and returns a pool that trusts it.
func certify(t *testing.T, cfg monitor.Config, name string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: serial, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, kind string, der []byte) {
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(cfg.TLSCert, "CERTIFICATE", der)
	write(cfg.TLSKey, "PRIVATE KEY", keyDER)
	pool := x509.NewCertPool()
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(certificate)
	return pool
}

func TestCallbacksArriveOverTLSAlsoAfterACertificateChange(t *testing.T) {
	t.Parallel()
	cfg := defaults(t)
	dir := t.TempDir()
	cfg.TLSCert, cfg.TLSKey = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := certify(t, cfg, "first.test")
	r := start(t, cfg)
	r.base = "https://" + r.m.Addr()
	try := func(pool *x509.CertPool, name string) error {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: name}, DisableKeepAlives: true}
		resp, err := (&http.Client{Transport: transport}).Post(r.base+query(callback.CmdGroupSendMsgException), "application/json", strings.NewReader(`{"GroupId":"g"}`))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("answered %d", resp.StatusCode)
		}
		return nil
	}
	if err := try(first, "first.test"); err != nil {
		t.Fatal(err)
	}
	second := certify(t, cfg, "second.test")
	if err := try(second, "second.test"); err != nil {
		t.Fatalf("after the change: %v", err)
	}
	if err := os.WriteFile(cfg.TLSKey, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := try(second, "second.test"); err != nil {
		t.Fatalf("after a key that cannot be read: %v", err)
	}
}
