package callbacktest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Run serves h on loopback and sends it every sample of [Samples], each in a
// subtest that fails if the answer is wrong. h must know the app of c, its
// token and keys if there are any; it must accept the event "failed message" of any
// group. The samples are sent one after another.
func Run(t *testing.T, h http.Handler, c Config) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	for _, s := range Samples(c) {
		t.Run(s.Name, func(t *testing.T) {
			for range max(1, s.Times) {
				got, err := s.Send(t.Context(), server.Client(), server.URL+"/callback")
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Check(got); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Send serves h on loopback for one request, sends s and returns the answer.
// It fails the test if there is none.
func Send(t testing.TB, h http.Handler, s Sample) Answer {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	got, err := s.Send(t.Context(), server.Client(), server.URL+"/callback")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Exception returns a good sample, signed if c has a token or keys: a failed message
// with the given Random, so that a test can tell its events apart.
func Exception(c Config, random uint32) Sample {
	return c.signed(Sample{Name: "failed message", Query: c.query(cmdException), Body: c.exception(random), Status: http.StatusOK})[0]
}
