package delivery_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/delivery"
)

// endpoint makes a further endpoint of an app.
func (s *site) endpoint(app chat.AppID, id, url string, change ...func(*chat.Endpoint)) {
	s.t.Helper()
	e := chat.Endpoint{App: app, ID: id, URL: url, Commands: []string{chat.CommandSendMsgException}}
	for _, c := range change {
		c(&e)
	}
	if err := s.backend.CreateEndpoint(s.t.Context(), e); err != nil {
		s.t.Fatal(err)
	}
}

func TestEachEndpointGetsWhatIsForItFromItsBeginningOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	primary, all, some, other := s.receiver(), s.receiver(), s.receiver(), s.receiver()
	s.start()
	s.app(appA, primary.URL)
	s.refuse(appA, 10)
	s.endpoint(appA, "all", all.URL)
	s.endpoint(appA, "some", some.URL, func(e *chat.Endpoint) { e.Codes = []int{10010} })
	s.endpoint(appA, "other", other.URL, func(e *chat.Endpoint) { e.Groups = []chat.GroupID{"elsewhere"} })
	s.refuse(appA, 20)
	primary.all(t, 1, 30)
	all.all(t, 11, 30)
	some.all(t, 11, 30)
	if got := all.sequences(); len(got) != 20 {
		t.Errorf("%v", got)
	}
	if err := s.backend.DeleteEndpoint(t.Context(), appA, "all"); err != nil {
		t.Fatal(err)
	}
	if err := s.backend.UpdateEndpoint(t.Context(), appA, "some", func(e *chat.Endpoint) error { e.Codes = []int{10017}; return nil }); err != nil {
		t.Fatal(err)
	}
	s.endpoint(appA, "all", all.URL) // another life
	s.refuse(appA, 5)
	all.all(t, 31, 35)
	primary.all(t, 31, 35)
	// What is not for an endpoint moves its cursor all the same.
	for _, id := range []string{"some", "other"} {
		s.until(func() bool {
			list, err := s.store.Endpoints(t.Context(), appA)
			i := slices.IndexFunc(list, func(e chat.Endpoint) bool { return e.ID == id })
			return err == nil && list[i].Cursor == 35
		})
	}
	if a, b := some.sequences(), other.sequences(); len(a) != 20 || len(b) != 0 {
		t.Errorf("%v, %v", a, b)
	}
}

// until waits for what the store says after some batch of the writer.
func (s *site) until(so func() bool) {
	s.t.Helper()
	for late := time.Now().Add(30 * time.Second); !so(); {
		if time.Now().After(late) {
			s.t.Fatal("it does not come about")
		}
		if err := s.backend.Change(s.t.Context(), appA, func(chat.Records) error { return nil }); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestCallbacksAreSignedWithEveryKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	s.start()
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	old, current := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	s.app(appA, r.URL, func(_ *chat.App, e *chat.Endpoint) {
		e.Keys = []chat.SigningKey{{Kind: chat.KeyHMAC, Secret: old}, {Kind: chat.KeyHMAC, Secret: current}, {Kind: chat.KeyEd25519, Secret: seed}}
		e.Heartbeat = 5
	})
	s.refuse(appA, 1)
	r.until(t, "an event and a heartbeat", func(got []callback) bool { return len(got) >= 2 })
	for _, c := range r.callbacks() {
		content := c.header.Get("Webhook-Id") + "." + c.header.Get("Webhook-Timestamp") + "." + c.body
		var want []string
		for _, secret := range [][]byte{old, current} {
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(content))
			want = append(want, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		}
		list := strings.Split(c.header.Get("Webhook-Signature"), " ")
		if len(list) != 3 || list[0] != want[0] || list[1] != want[1] {
			t.Fatalf("%v, want %v", list, want)
		}
		sig, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(list[2], "v1a,"))
		if err != nil || !ed25519.Verify(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey), []byte(content), sig) {
			t.Errorf("ed25519: %v", err)
		}
		if at, err := strconv.ParseInt(c.header.Get("Webhook-Timestamp"), 10, 64); err != nil || time.Since(time.Unix(at, 0)) > time.Minute {
			t.Errorf("%d, %v", at, err)
		}
	}
}

func TestAHeartbeatTellsHowFarTheEventsGo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	s.start()
	s.app(appA, r.URL, func(_ *chat.App, e *chat.Endpoint) { e.Heartbeat, e.Groups = 5, []chat.GroupID{"nowhere"} })
	s.refuse(appA, 3)
	var beat callback
	r.until(t, "a heartbeat after the events", func(got []callback) bool {
		for _, c := range got {
			if strings.Contains(c.uri, "Parley.CallbackHeartbeat") && c.header.Get("Parley-Settled") == "3" {
				beat = c
			}
		}
		return beat.uri != ""
	})
	var body map[string]any
	if err := json.Unmarshal([]byte(beat.body), &body); err != nil {
		t.Fatal(err)
	}
	delete(body, "EventTime")
	want := map[string]any{"CallbackCommand": "Parley.CallbackHeartbeat", "HeadSequence": 3.0, "Interval": 5.0, "LastSequence": 3.0}
	if fmt.Sprint(body) != fmt.Sprint(want) || beat.header.Get("Parley-Sequence") != "" || beat.header.Get("Parley-Epoch") == "" {
		t.Errorf("%s, %v", beat.body, beat.header)
	}
}

func TestClientCertificatesAndTheLeastTLSVersionAreTheEndpoints(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cert, key := selfSigned(t)
	ours, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	r := s.receiver()
	var peers, versions atomic.Value
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if n := len(q.TLS.PeerCertificates); n == 1 {
			peers.Store(q.TLS.PeerCertificates[0].Raw)
		}
		versions.Store(q.TLS.Version)
		r.ServeHTTP(w, q)
	}))
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{ours}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	t.Cleanup(s.stop)
	s.start()
	s.app(appA, "")
	s.endpoint(appA, "mutual", secure.URL, func(e *chat.Endpoint) {
		e.CA, e.ClientCert, e.ClientKey = string(cert), string(cert), string(key)
	})
	s.refuse(appA, 1)
	r.wait(t, 1)
	if raw, _ := peers.Load().([]byte); !bytes.Equal(raw, ours.Certificate[0]) {
		t.Error("the receiver saw another certificate")
	}
	if err := s.backend.UpdateEndpoint(t.Context(), appA, "mutual", func(e *chat.Endpoint) error { e.MinTLS = "1.3"; return nil }); err != nil {
		t.Fatal(err)
	}
	s.refuse(appA, 1)
	s.until(func() bool {
		list, err := s.store.Pending(t.Context(), appA, "mutual", false, 0, 10)
		return err == nil && len(list) == 1 && strings.Contains(list[0].Reason, "protocol version")
	})
}

func TestCallbacksGoThroughTheProxyThatIsSetAndNoOther(t *testing.T) {
	s := newSite(t)
	r := s.receiver()
	var through atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		through.Add(1)
		q.RequestURI = ""
		res, err := http.DefaultTransport.RoundTrip(q)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		w.WriteHeader(res.StatusCode)
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(proxy.Close)
	t.Cleanup(s.stop)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	to, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.network = delivery.Network{Proxy: to}
	s.start()
	s.app(appA, strings.Replace(r.URL, "127.0.0.1", "localhost", 1))
	s.refuse(appA, 3)
	r.all(t, 1, 3)
	if n := through.Load(); n < 3 {
		t.Errorf("%d went through the proxy", n)
	}
}

func TestASampleIsMarkedAndTellsWhatWouldFollow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	s.start()
	s.app(appA, r.URL+"/callback?key=secret", func(_ *chat.App, e *chat.Endpoint) { e.Token = "token" })
	app, _ := s.backend.App(appA)
	e := s.backend.Endpoint(appA, chat.PrimaryEndpoint)
	sample := func() delivery.Sampled {
		got, err := delivery.Sample(t.Context(), e, app, delivery.Network{}, []byte(`{}`), chat.CommandSendMsgException)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := sample()
	if !got.Delivered || got.Next != "delivered" || got.Status != 200 || got.URL != r.URL+"/callback" {
		t.Errorf("%+v", got)
	}
	if c := r.callbacks()[0]; c.header.Get("Parley-Test") != "1" || c.header.Get("Parley-Sequence") != "" || !strings.Contains(c.uri, "Sign=") {
		t.Errorf("%+v", c)
	}
	for status, next := range map[int]string{404: "retry", 410: "paused", 413: "dead", 302: "retry"} {
		r.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		if got := sample(); got.Delivered || got.Next != next || got.Status != status || got.Reason == "" {
			t.Errorf("%d: %+v", status, got)
		}
	}
	if len(s.journal(appA)) != 0 {
		t.Error("the sample is in the journal")
	}
}

// selfSigned makes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}
