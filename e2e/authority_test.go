package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// authority is a CA of the test's own with one certificate for 127.0.0.1.
type authority struct {
	pool                      *x509.CertPool
	pair                      tls.Certificate
	caFile, certFile, keyFile string
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, &key.PublicKey, caKey)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	a := &authority{
		pool:   x509.NewCertPool(),
		caFile: write(t, "ca.pem", block("CERTIFICATE", caDER)), certFile: write(t, "cert.pem", block("CERTIFICATE", der)),
		keyFile: write(t, "key.pem", block("PRIVATE KEY", keyDER)),
	}
	a.pool.AppendCertsFromPEM([]byte(block("CERTIFICATE", caDER)))
	a.pair, err = tls.LoadX509KeyPair(a.certFile, a.keyFile)
	must(err)
	return a
}

// overBoth runs a test on each engine over HTTP, and over TLS both ways on one:
// the doors know nothing of the engine.
func overBoth(t *testing.T, test func(t *testing.T, e engine, trust *authority)) {
	onBoth(t, func(t *testing.T, e engine) { test(t, e, nil) })
	t.Run("over TLS both ways", func(t *testing.T) {
		t.Parallel()
		test(t, inSQLite, newAuthority(t))
	})
}
