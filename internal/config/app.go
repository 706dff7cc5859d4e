package config

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// AppFlags are one app's settings as texts: flags of serve, or an entry of
// apps: in the YAML file under the same names. What is absent keeps what the
// app has, or its default when the app is new.
type AppFlags struct {
	App         string  `name:"app" placeholder:"SDKAPPID" yaml:"app" help:"The app that is made or updated at the start, by its SDKAppID."`
	AppKey      *string `name:"app-key" placeholder:"KEY" yaml:"app-key" help:"The app's secret key, which UserSigs are made with."`
	AppKeyFile  string  `name:"app-key-file" placeholder:"FILE" yaml:"app-key-file" help:"File that holds the app's key."`
	Admin       string  `name:"admin" placeholder:"USERID" yaml:"admin" help:"The app's admins, comma separated; they may call the REST API (administrator)."`
	AppSettings `embed:"" yaml:",inline"`
}

// AppSettings are what an app's owner may set, as texts.
type AppSettings struct {
	CallbackURL          *string `name:"callback-url" placeholder:"URL" yaml:"callback-url" help:"Where the app's callbacks go; empty is nowhere."`
	CallbackToken        *string `name:"callback-token" placeholder:"TOKEN" yaml:"callback-token" help:"Token that callbacks are signed with (Sign and RequestTime)."`
	CallbackTokenFile    string  `name:"callback-token-file" placeholder:"FILE" yaml:"callback-token-file" help:"File that holds the callback token."`
	CallbackCA           string  `name:"callback-ca" placeholder:"FILE" yaml:"callback-ca" help:"PEM file of the authorities to trust for the callback URL, instead of the system's."`
	CallbackCommands     *string `name:"callback-commands" placeholder:"COMMAND,…" yaml:"callback-commands" help:"The switches: callback commands that are on (Group.CallbackSendMsgException)."`
	EventTime            string  `name:"event-time" placeholder:"integer|string" yaml:"event-time" help:"JSON type of EventTime in callbacks (integer)."`
	GroupTypeWords       string  `name:"group-type-words" placeholder:"rest|modern" yaml:"group-type-words" help:"Private and ChatRoom, or Work and Meeting (rest)."`
	MissingGroup         *string `name:"missing-group" placeholder:"10010|10015" yaml:"missing-group" help:"Code for a group that does not exist (10010)."`
	BeforeSendFailure    string  `name:"before-send-failure" placeholder:"deliver|refuse" yaml:"before-send-failure" help:"What becomes of a message when the before-send question is not answered (deliver)."`
	LimitAfterBeforeSend *bool   `name:"limit-after-before-send" yaml:"limit-after-before-send" help:"Count frequency after the before-send question, as Tencent does."`
	OnFrequency          string  `name:"on-frequency" placeholder:"refuse|drop" yaml:"on-frequency" help:"What becomes of a message above a frequency limit (refuse)."`
	GroupRate            *string `name:"group-rate" placeholder:"N" yaml:"group-rate" help:"Messages a second in one group; 0 is unlimited (40)."`
	SenderRate           *string `name:"sender-rate" placeholder:"N" yaml:"sender-rate" help:"Messages a second of one sender; 0 is unlimited (0)."`
	APIRate              *string `name:"api-rate" placeholder:"N" yaml:"api-rate" help:"Calls of send_group_msg a second; 0 is unlimited (0)."`
	StormLimit           *string `name:"storm-limit" placeholder:"N" yaml:"storm-limit" help:"Exceptions a second above which like ones share a record; 0 is none (0)."`
	MaxMessage           *string `name:"max-message" placeholder:"8000|12288" yaml:"max-message" help:"Most bytes of a message's text fields with CloudCustomData (12288)."`
}

// App is one app to be made or updated at the start.
type App struct {
	ID     chat.AppID
	Key    string
	Change api.AppChange // what was given; the rest is kept, or has its default
}

// given says whether any of the flags is set.
func (r *AppFlags) given() bool { return *r != AppFlags{} }

// Change checks settings for an app of a running server. The error is [Faults].
func (r AppSettings) Change() (api.AppChange, error) {
	var f Faults
	c := r.parse(&f)
	return c, f.Err()
}

// parse checks one app's texts. where begins the name of each fault's flag.
func (r *AppFlags) parse(f *Faults) App {
	a := App{}
	id, err := strconv.ParseInt(r.App, 10, 64)
	if err != nil || id <= 0 {
		f.add("app", "%q is no SDKAppID, a number above 0", r.App)
	}
	a.ID = chat.AppID(id)
	if key := f.secret("app-key", r.AppKey, r.AppKeyFile); key == nil || *key == "" {
		if r.AppKeyFile == "" {
			f.add("app-key", "the key of app %s is missing", r.App)
		}
	} else if strings.ContainsFunc(*key, func(c rune) bool { return c <= ' ' || c > '~' }) {
		f.add("app-key", "the key of app %s has characters that are not printable ASCII", r.App)
	} else {
		a.Key = *key
	}
	a.Change = r.AppSettings.parse(f)
	for _, word := range split(r.Admin) {
		if len(word) > 32 {
			f.add("admin", "%q is longer than 32 bytes", word)
		}
		a.Change.Admins = append(a.Change.Admins, word)
	}
	return a
}

// parse checks the settings.
func (r *AppSettings) parse(f *Faults) (c api.AppChange) {
	c.CallbackURL = r.CallbackURL
	if r.CallbackURL != nil {
		if err := (&chat.Endpoint{URL: *r.CallbackURL}).Check(); err != nil {
			f.add("callback-url", "%v", err)
		}
	}
	c.CallbackToken = f.secret("callback-token", r.CallbackToken, r.CallbackTokenFile)
	if r.CallbackCA != "" {
		ca := f.file("callback-ca", r.CallbackCA)
		if ca != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(ca)) {
			f.add("callback-ca", "%s holds no certificate", r.CallbackCA)
		}
		c.CallbackCA = &ca
	}
	if r.CallbackCommands != nil {
		c.CallbackCommands = append([]string{}, split(*r.CallbackCommands)...)
		for _, word := range c.CallbackCommands {
			if !slices.Contains(chat.Commands, word) {
				f.add("callback-commands", "%q is none of %s", word, strings.Join(chat.Commands, ", "))
			}
		}
	}
	c.EventTime = f.word("event-time", r.EventTime, api.EventTimeInteger, api.EventTimeString)
	if words := f.word("group-type-words", r.GroupTypeWords, "rest", "modern"); words != nil {
		modern := *words == "modern"
		c.ModernTypes = &modern
	}
	c.BeforeSendFailure = f.word("before-send-failure", r.BeforeSendFailure, string(chat.Deliver), string(chat.Refuse))
	c.OnFrequency = f.word("on-frequency", r.OnFrequency, string(chat.Refuse), string(chat.Drop))
	c.LimitAfterBeforeSend = r.LimitAfterBeforeSend
	c.MissingGroup = f.number("missing-group", r.MissingGroup, 0)
	if n := c.MissingGroup; n != nil && *n != int(api.CodeGroupNotFound) && *n != int(api.CodeInvalidGroupID) {
		f.add("missing-group", "%d is neither %d nor %d", *n, api.CodeGroupNotFound, api.CodeInvalidGroupID)
	}
	c.GroupRate = f.number("group-rate", r.GroupRate, 0)
	c.SenderRate = f.number("sender-rate", r.SenderRate, 0)
	c.APIRate = f.number("api-rate", r.APIRate, 0)
	c.StormLimit = f.number("storm-limit", r.StormLimit, 0)
	c.MaxMessage = f.number("max-message", r.MaxMessage, 1)
	if n := c.MaxMessage; n != nil && *n > 1<<20 {
		f.add("max-message", "%d is more than a request can hold", *n)
	}
	return c
}

// parseApps checks the app of the flags and those of the file.
func parseApps(f *Faults, flags AppFlags, more []AppFlags) (apps []App) {
	all := more
	if flags.given() {
		all = append([]AppFlags{flags}, more...)
	}
	seen := make(map[chat.AppID]bool)
	for i := range all {
		before := len(*f)
		a := all[i].parse(f)
		if i > 0 || !flags.given() {
			for j := before; j < len(*f); j++ {
				(*f)[j] = fmt.Sprintf("apps, app %q: %s", all[i].App, strings.TrimPrefix((*f)[j], "--"))
			}
		}
		if a.ID > 0 && seen[a.ID] {
			f.add("app", "app %d is given twice", a.ID)
		}
		seen[a.ID] = true
		apps = append(apps, a)
	}
	return apps
}
