package config

import "strconv"

// MonitorApp is one app whose callbacks the monitor takes, as texts.
type MonitorApp struct {
	App               string `name:"app" placeholder:"SDKAPPID" yaml:"app" help:"The app whose callbacks are taken."`
	CallbackToken     string `name:"callback-token" placeholder:"TOKEN,…" yaml:"callback-token" help:"Token that its callbacks are signed with; two, comma separated, while it is replaced."`
	CallbackTokenFile string `name:"callback-token-file" placeholder:"FILE" yaml:"callback-token-file" help:"File that holds the token."`
}

// MonitorFlags are the texts that `parley monitor` is given.
type MonitorFlags struct {
	Listen        string  `name:"listen" default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Address of callbacks, page and API."`
	Data          *string `name:"data" placeholder:"DIR" help:"Data folder (monitor-data)."`
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
	Apps            map[int64][]string // SDKAppID → tokens
	Log             Log
}

// Parse checks the flags and the apps of the file. The error is [Faults].
func (r MonitorFlags) Parse(more []MonitorApp) (Monitor, error) {
	var f Faults
	m := Monitor{Listen: f.address("listen", r.Listen), TLSCert: r.TLSCert, TLSKey: r.TLSKey, Apps: make(map[int64][]string)}
	m.Data, m.Database = f.place(r.Data, "monitor-data", r.DatabaseFlags)
	f.keyPair(r.TLSCert, r.TLSKey)
	m.Log = f.log(r.LogFormat, r.LogLevel)
	all := more
	if r.MonitorApp != (MonitorApp{}) || len(more) == 0 {
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
		value := &a.CallbackToken
		if a.CallbackToken == "" {
			value = nil
		}
		var tokens []string
		if t := f.secret("callback-token", value, a.CallbackTokenFile); t != nil {
			tokens = split(*t)
		}
		m.Apps[id] = tokens
	}
	return m, f.Err()
}
