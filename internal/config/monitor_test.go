package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/config"
)

const (
	secretKey  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	privateKey = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
	publicKey  = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
)

func TestHowLongTheMonitorKeeps(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 0, "0": 0, "90d": 2160 * time.Hour, "2160h": 2160 * time.Hour, "-1h": -1, "x": -1, "1ms": -1} {
		m, err := config.MonitorFlags{Listen: "127.0.0.1:0", Keep: text, MonitorApp: config.MonitorApp{App: "7"}}.Parse(nil)
		if (err != nil) != (want < 0) || err == nil && m.Keep != want || err != nil && !strings.HasPrefix(err.Error(), "--keep: ") {
			t.Errorf("%q: %v, %v", text, m.Keep, err)
		}
	}
}

func TestMonitoredApps(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secretKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	type app = config.MonitorApp
	for name, c := range map[string]struct {
		own    app
		more   []app
		want   string // server, token, endpoint and number of keys of app 7
		faults []string
	}{
		"nothing":             {own: app{App: "7"}, want: "   0"},
		"a server":            {own: app{App: "7", Server: "https://chat.example.com", ServerToken: "s3cret"}, want: "https://chat.example.com s3cret primary 0"},
		"its token in a file": {own: app{App: "7", Server: "http://h:1", ServerTokenFile: file}, want: "http://h:1 " + secretKey + " primary 0"},
		"another endpoint":    {own: app{App: "7", Server: "http://h", ServerToken: "t", ServerEndpoint: "audit"}, want: "http://h t audit 0"},
		"one server for a file's apps": {own: app{Server: "http://h"}, more: []app{{App: "7", ServerToken: "t"}, {App: "8"}},
			want: "http://h t primary 0"},
		"an app's own server": {own: app{Server: "http://h"}, more: []app{{App: "7", ServerToken: "t", Server: "http://g"}}, want: "http://g t primary 0"},
		"keys":                {own: app{App: "7", WebhookKey: secretKey + ", " + publicKey}, want: "   2"},
		"a key in a file":     {own: app{App: "7", WebhookKeyFile: file}, want: "   1"},

		"no token":         {own: app{App: "7", Server: "http://h"}, faults: []string{"--server-token: needed"}},
		"no server":        {own: app{App: "7", ServerToken: "s3cret"}, faults: []string{"--server: needed"}},
		"no address":       {own: app{App: "7", Server: "localhost:8080", ServerToken: "s3cret"}, faults: []string{"--server: it is not http"}},
		"a password in it": {own: app{App: "7", Server: "http://u:s3cret@h", ServerToken: "s3cret"}, faults: []string{"--server: it has more"}},
		"no key":           {own: app{App: "7", WebhookKey: "s3cret"}, faults: []string{"--webhook-key: a key begins with"}},
		"a private key":    {own: app{App: "7", WebhookKey: privateKey}, faults: []string{"--webhook-key: this is the sender's private key, which should not leave it; the key to give here is " + publicKey}},
		"key and file":     {own: app{App: "7", WebhookKey: secretKey, WebhookKeyFile: file}, faults: []string{"--webhook-key: give it or --webhook-key-file, not both"}},
		"everything at once": {own: app{App: "x", CallbackToken: "a"}, more: []app{{App: "7", WebhookKey: "whpk_", Server: "ftp://h", ServerToken: "s3cret"}},
			faults: []string{"--app: ", "--webhook-key: ", "--server: "}},
	} {
		m, err := config.MonitorFlags{Listen: "127.0.0.1:0", MonitorApp: c.own}.Parse(c.more)
		if err == nil {
			a := m.Apps[7]
			got := strings.Join([]string{a.Server, a.ServerToken, a.ServerEndpoint, string(rune('0' + len(a.Keys)))}, " ")
			if len(c.faults) > 0 || got != c.want {
				t.Errorf("%s: got %q", name, got)
			}
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.faults) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, c.faults[i]) || strings.Contains(line, "s3cret") || strings.Contains(line, "nWGxne") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}
