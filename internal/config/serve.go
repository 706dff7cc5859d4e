package config

import (
	"net/netip"
	"net/url"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// ServeFlags are the texts that `parley serve` is given.
type ServeFlags struct {
	Listen            string  `name:"listen" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Public address: REST, control, health."`
	AdminListen       string  `name:"admin-listen" default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Admin address: console, metrics, profiles; empty is none."`
	AdminPassword     *string `name:"admin-password" placeholder:"PASSWORD" help:"Password of the console; without it a token is made and printed once."`
	AdminPasswordFile string  `name:"admin-password-file" placeholder:"FILE" help:"File that holds the password."`
	Data              *string `name:"data" placeholder:"DIR" help:"Data folder (parley-data)."`
	TLSCert           string  `name:"tls-cert" placeholder:"FILE" help:"Certificate of the public address, PEM; read again when it changes."`
	TLSKey            string  `name:"tls-key" placeholder:"FILE" help:"Its key."`
	TrustedProxy      string  `name:"trusted-proxy" placeholder:"CIDR,…" help:"Proxies whose X-Forwarded-For is believed."`
	Hosted            bool    `name:"hosted" help:"Refuse callback URLs in private and loopback ranges."`
	CallbackProxy     string  `name:"callback-proxy" placeholder:"URL" help:"Forward proxy that callbacks go through (http or https); the environment's is not used. What may be reached is for the proxy to decide."`
	AlertURL          *string `name:"alert-url" placeholder:"URL" help:"Where alerts are posted as JSON: an endpoint that fails for long, and that it has recovered."`
	AlertURLFile      string  `name:"alert-url-file" placeholder:"FILE" help:"File that holds the alert URL."`
	AlertAfter        string  `name:"alert-after" default:"5m" placeholder:"DURATION" help:"For how long an endpoint takes nothing until an alarm is raised; 0 is never."`
	DiskLow           string  `name:"disk-low" default:"512MB" placeholder:"SIZE" help:"Free room of the data folder's disk below which sends are refused with 10002; 0 is off."`
	DiskCritical      string  `name:"disk-critical" default:"128MB" placeholder:"SIZE" help:"Free room below which no send begins (HTTP 503); 0 is off."`
	Ballast           string  `name:"ballast" default:"64MB" placeholder:"SIZE" help:"File that is removed when the disk is full, so that what must be written can be; 0 is none."`
	KeepEvents        string  `name:"keep-events" default:"720h" placeholder:"TIME" help:"How long events stay in the journal once they are delivered; 0 is for ever."`
	KeepEventsSize    string  `name:"keep-events-size" default:"0" placeholder:"SIZE" help:"Bytes of an app's journal above which its oldest events go, once they are delivered; 0 is no bound."`
	KeepUndelivered   string  `name:"keep-undelivered" default:"0" placeholder:"TIME" help:"Age after which events may go that are not delivered; 0 is never."`
	RefusalRate       int     `name:"refusal-rate" default:"5" placeholder:"N" help:"Refused sends a second of one user's connections that are answered at once; more are answered late; 0 is any number."`
	RefusalBurst      int     `name:"refusal-burst" default:"20" placeholder:"N" help:"How many in a row are answered at once all the same."`
	MaxConnections    int     `name:"max-connections" default:"50000" placeholder:"N" help:"Client connections at once; more are told to come back; 0 is any number."`
	UserConnections   int     `name:"user-connections" default:"20" placeholder:"N" help:"Client connections of one user; the oldest gives way to one more; 0 is any number."`
	PushMemory        string  `name:"push-memory" default:"256MB" placeholder:"SIZE" help:"What may wait for all client connections together; above it those furthest behind are ended and catch up."`
	LogFormat         string  `name:"log-format" default:"text" placeholder:"text|json" help:"Form of the log."`
	LogLevel          string  `name:"log-level" default:"info" placeholder:"debug|info|warn|error" help:"Least level that is logged."`
	FaultInternal     uint32  `name:"fault-internal-random" placeholder:"N" default:"0" help:"For tests: a send with this Random fails inside the server with 10002; 0 is off."`
	DatabaseFlags     `embed:""`
	AppFlags          `embed:""`
}

// Serve is a checked configuration of the server.
type Serve struct {
	Listen, AdminListen string
	AdminPassword       string
	Data, Database      string // one of them
	TLSCert, TLSKey     string
	TrustedProxies      []netip.Prefix
	Hosted              bool
	Apps                []App    // the first may be from the flags
	Operator            bool     // the first app is from the flags
	CallbackProxy       *url.URL // nil: none
	AlertURL            string
	AlertAfter          time.Duration
	Disk                Disk
	Keep                chat.Keep
	Refusals            chat.Pace // of the refusals that a client connection is told
	Connections         Connections
	FaultInternal       uint32
	Log                 Log
}

// Connections bounds the connections of clients: how many of all and of one user,
// 0 is any number, and the bytes that may wait for them.
type Connections struct {
	All, OfUser int
	PushMemory  int64
}

// Disk says how much room there is to be, in bytes; 0 is off.
type Disk struct{ Low, Critical, Ballast int64 }

// Log is how the log looks.
type Log struct{ Format, Level string }

// Parse checks the flags and the apps of the file. The error is [Faults].
func (r ServeFlags) Parse(more []AppFlags) (Serve, error) {
	var f Faults
	s := Serve{
		Listen: f.address("listen", r.Listen), TLSCert: r.TLSCert, TLSKey: r.TLSKey,
		Hosted: r.Hosted, FaultInternal: r.FaultInternal, Operator: r.given(),
	}
	if r.AdminListen != "" {
		s.AdminListen = f.address("admin-listen", r.AdminListen)
	}
	if p := f.secret("admin-password", r.AdminPassword, r.AdminPasswordFile); p != nil {
		if len(*p) < 8 {
			f.add("admin-password", "it is shorter than 8 characters")
		}
		s.AdminPassword = *p
	}
	s.Data, s.Database = f.place(r.Data, "parley-data", r.DatabaseFlags)
	f.keyPair(r.TLSCert, r.TLSKey)
	s.TrustedProxies = f.prefixes("trusted-proxy", r.TrustedProxy)
	s.CallbackProxy = f.proxy("callback-proxy", r.CallbackProxy)
	if u := f.secret("alert-url", r.AlertURL, r.AlertURLFile); u != nil && *u != "" {
		if !webURL(*u) {
			f.add("alert-url", "it is not a URL with http or https")
		}
		s.AlertURL = *u
	}
	s.AlertAfter = f.duration("alert-after", r.AlertAfter)
	s.Log = f.log(r.LogFormat, r.LogLevel)
	s.Disk = f.disk(r.DiskLow, r.DiskCritical, r.Ballast)
	s.Keep = chat.Keep{
		Age: f.duration("keep-events", r.KeepEvents), Bytes: f.bytes("keep-events-size", r.KeepEventsSize),
		Undelivered: f.duration("keep-undelivered", r.KeepUndelivered),
	}
	if s.Keep.Undelivered > 0 && s.Keep.Undelivered < s.Keep.Age {
		f.add("keep-undelivered", "it is less than --keep-events")
	}
	s.Refusals = f.pace(r.RefusalRate, r.RefusalBurst)
	s.Connections = f.connections(r.MaxConnections, r.UserConnections, r.PushMemory)
	s.Apps = parseApps(&f, r.AppFlags, more)
	return s, f.Err()
}

func (f *Faults) log(format, level string) Log {
	return Log{Format: f.oneOf("log-format", format, "text", "json"), Level: f.oneOf("log-level", level, "debug", "info", "warn", "error")}
}

// webURL says whether a text is an address that can be called.
func webURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// proxy reads the URL of a forward proxy; nil for none.
func (f *Faults) proxy(flag, text string) *url.URL {
	if text == "" {
		return nil
	}
	if !webURL(text) {
		f.add(flag, "it is not a URL with http or https")
		return nil
	}
	u, _ := url.Parse(text) // webURL has
	return u
}

func (f *Faults) disk(low, critical, ballast string) Disk {
	d := Disk{f.bytes("disk-low", low), f.bytes("disk-critical", critical), f.bytes("ballast", ballast)}
	if d.Low > 0 && d.Critical > d.Low {
		f.add("disk-critical", "it is above --disk-low")
	}
	return d
}

func (f *Faults) connections(all, ofUser int, memory string) Connections {
	c := Connections{all, ofUser, f.bytes("push-memory", memory)}
	if all < 0 {
		f.add("max-connections", "%d is below 0", all)
	}
	if ofUser < 0 {
		f.add("user-connections", "%d is below 0", ofUser)
	}
	if memory != "" && c.PushMemory >= 0 && c.PushMemory < 1<<20 {
		f.add("push-memory", "it is less than 1MB")
	}
	return c
}

func (f *Faults) pace(rate, burst int) chat.Pace {
	if rate < 0 {
		f.add("refusal-rate", "%d is below 0", rate)
	}
	if burst < 1 {
		f.add("refusal-burst", "%d is below 1", burst)
	}
	return chat.Pace{Rate: rate, Burst: burst}
}
