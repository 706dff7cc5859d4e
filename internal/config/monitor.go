package config

import (
	"cmp"
	"net/url"
	"strconv"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

// MonitorApp is one app whose callbacks the monitor takes, as texts.
type MonitorApp struct {
	App               string `name:"app" placeholder:"SDKAPPID" yaml:"app" help:"The app whose callbacks are taken."`
	CallbackToken     string `name:"callback-token" placeholder:"TOKEN,…" yaml:"callback-token" help:"Token that its callbacks are signed with; two, comma separated, while it is replaced."`
	CallbackTokenFile string `name:"callback-token-file" placeholder:"FILE" yaml:"callback-token-file" help:"File that holds the token."`
	WebhookKey        string `name:"webhook-key" placeholder:"KEY,…" yaml:"webhook-key" help:"Key that webhook-signature is verified with, whsec_… or whpk_…; two while it is replaced."`
	WebhookKeyFile    string `name:"webhook-key-file" placeholder:"FILE" yaml:"webhook-key-file" help:"File that holds the key."`
	Server            string `name:"server" placeholder:"URL" yaml:"server" help:"Parley server to fetch what was not called back from, its public address."`
	ServerToken       string `name:"server-token" placeholder:"TOKEN" yaml:"server-token" help:"Read-only token of the app, made by parley apps token."`
	ServerTokenFile   string `name:"server-token-file" placeholder:"FILE" yaml:"server-token-file" help:"File that holds the token."`
	ServerEndpoint    string `name:"server-endpoint" placeholder:"ID" yaml:"server-endpoint" help:"The endpoint that calls this monitor back (primary)."`
}

// MonitorFlags are the texts that `parley monitor` is given.
type MonitorFlags struct {
	Listen        string  `name:"listen" default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Address of callbacks, page and API."`
	Data          *string `name:"data" placeholder:"DIR" help:"Data folder (monitor-data)."`
	Keep          string  `name:"keep" default:"0" placeholder:"DURATION" help:"How long callbacks are kept: 90d, 2160h; 0 is for ever. Totals stay."`
	TLSCert       string  `name:"tls-cert" placeholder:"FILE" help:"Certificate, PEM; read again when it changes."`
	TLSKey        string  `name:"tls-key" placeholder:"FILE" help:"Its key."`
	LogFormat     string  `name:"log-format" default:"text" placeholder:"text|json" help:"Form of the log."`
	LogLevel      string  `name:"log-level" default:"info" placeholder:"debug|info|warn|error" help:"Least level that is logged."`
	DatabaseFlags `embed:""`
	MonitorApp    `embed:""`
}

// Monitor is a checked configuration of the monitor.
type Monitor struct {
	Listen          string
	Data, Database  string // one of them
	TLSCert, TLSKey string
	Keep            time.Duration          // 0 is for ever
	Apps            map[int64]MonitoredApp // by SDKAppID
	Log             Log
}

// MonitoredApp is a checked [MonitorApp].
type MonitoredApp struct {
	Tokens []string
	Keys   []callback.WebhookKey // they verify
	// Server is where missing events are fetched with ServerToken, those of
	// ServerEndpoint; empty is nowhere.
	Server, ServerToken, ServerEndpoint string
}

// Parse checks the flags and the apps of the file. The error is [Faults].
func (r MonitorFlags) Parse(more []MonitorApp) (Monitor, error) {
	var f Faults
	m := Monitor{Listen: f.address("listen", r.Listen), TLSCert: r.TLSCert, TLSKey: r.TLSKey, Apps: make(map[int64]MonitoredApp)}
	m.Data, m.Database = f.place(r.Data, "monitor-data", r.DatabaseFlags)
	f.keyPair(r.TLSCert, r.TLSKey)
	m.Log = f.log(r.LogFormat, r.LogLevel)
	if r.Keep != "" && r.Keep != "0" {
		var err error
		if m.Keep, err = Duration(r.Keep); err != nil {
			f.add("keep", "%v", err)
		}
	}
	all := more
	own := r.MonitorApp
	own.Server, own.ServerEndpoint = "", "" // may be meant for those of the file
	if own != (MonitorApp{}) || len(more) == 0 {
		all = append([]MonitorApp{r.MonitorApp}, more...)
	}
	for _, a := range all {
		id, err := strconv.ParseInt(a.App, 10, 64)
		if err != nil || id <= 0 {
			f.add("app", "%q is no SDKAppID, a number above 0", a.App)
			continue
		}
		if _, twice := m.Apps[id]; twice {
			f.add("app", "app %d is given twice", id)
		}
		m.Apps[id] = MonitoredApp{
			Tokens:      split(f.given("callback-token", a.CallbackToken, a.CallbackTokenFile)),
			Keys:        f.webhookKeys(f.given("webhook-key", a.WebhookKey, a.WebhookKeyFile)),
			ServerToken: f.given("server-token", a.ServerToken, a.ServerTokenFile),
		}.asking(cmp.Or(a.Server, r.Server), cmp.Or(a.ServerEndpoint, r.ServerEndpoint, api.PrimaryEndpoint), a.Server != "", &f)
	}
	return m, f.Err()
}

// given is secret for a text of which "" is as good as none.
func (f *Faults) given(flag, text, file string) string {
	value := &text
	if text == "" {
		value = nil
	}
	if value = f.secret(flag, value, file); value == nil {
		return ""
	}
	return *value
}

// asking adds the server to ask. It may be one for all apps, and then only those
// with a token ask it; one of the app's own needs a token.
func (m MonitoredApp) asking(server, endpoint string, own bool, f *Faults) MonitoredApp {
	switch {
	case m.ServerToken == "" && own:
		f.add("server-token", "needed to read from --server")
	case m.ServerToken == "":
	case server == "":
		f.add("server", "needed for --server-token")
	default:
		m.Server, m.ServerEndpoint = f.base("server", server), endpoint
	}
	return m
}

// base checks the address of a server.
func (f *Faults) base(flag, text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		f.add(flag, "it is not http://HOST:PORT or https://HOST")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		f.add(flag, "it has more than scheme, host and path")
	}
	return text
}

// webhookKeys reads keys that verify, comma separated.
func (f *Faults) webhookKeys(text string) (keys []callback.WebhookKey) {
	for _, word := range split(text) {
		key, err := callback.ParseWebhookKey(word)
		switch {
		case err != nil:
			f.add("webhook-key", "%v", err)
		case key.CanSign() && key.Asymmetric():
			f.add("webhook-key", "this is the sender's private key, which should not leave it; the key to give here is %s", key.Public())
		default:
			keys = append(keys, key)
		}
	}
	return keys
}
