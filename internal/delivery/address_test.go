package delivery

import "testing"

func TestCallbackHostIsJudgedWhenItIsEntered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url                 string
		everywhere, outside bool // allowed without, and with, --hosted
	}{
		{"https://www.example.com", true, true},
		{"https://203.0.113.9:8443/x", true, true},
		{"https://8.8.8.8", true, true},
		{"http://127.0.0.1:8090", true, false},
		{"http://localhost:8090/callback", true, false},
		{"http://app.localhost.", true, false},
		{"http://10.1.2.3", true, false},
		{"http://[::1]:80", true, false},
		{"http://[::ffff:127.0.0.1]", true, false},
		{"http://169.254.169.254/latest", false, false},
		{"http://[fe80::1]", false, false},
		{"http://0.0.0.0", false, false},
	} {
		if got := CheckHost(c.url, false) == nil; got != c.everywhere {
			t.Errorf("%s: allowed %v", c.url, got)
		}
		if got := CheckHost(c.url, true) == nil; got != c.outside {
			t.Errorf("%s with hosted: allowed %v", c.url, got)
		}
	}
}
