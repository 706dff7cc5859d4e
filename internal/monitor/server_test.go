package monitor_test

import (
	"testing"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/delivery"
)

// What the server itself signs and marks, the monitor takes: with token and keys
// of both kinds, one of them unknown to it.
func TestSampleOfTheServerIsTaken(t *testing.T) {
	t.Parallel()
	secret, err := callback.ParseWebhookKey("whsec_c2VjcmV0") // "secret"
	if err != nil {
		t.Fatal(err)
	}
	public, err := callback.ParseWebhookKey("whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	if err != nil {
		t.Fatal(err)
	}
	seed := []byte("\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60")
	hmac, ed25519 := chat.SigningKey{Kind: chat.KeyHMAC, Secret: []byte("secret")}, chat.SigningKey{Kind: chat.KeyEd25519, Secret: seed}
	for name, c := range map[string]struct {
		known []callback.WebhookKey
		keys  []chat.SigningKey
		next  string
	}{
		"without keys":          {nil, []chat.SigningKey{hmac}, "delivered"},
		"HMAC":                  {[]callback.WebhookKey{secret}, []chat.SigningKey{hmac}, "delivered"},
		"ed25519":               {[]callback.WebhookKey{public}, []chat.SigningKey{ed25519}, "delivered"},
		"two, one is known":     {[]callback.WebhookKey{public}, []chat.SigningKey{hmac, ed25519}, "delivered"},
		"one that is not known": {[]callback.WebhookKey{public}, []chat.SigningKey{hmac}, "retry"},
		"no signature":          {[]callback.WebhookKey{public}, nil, "retry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := defaults(t)
			cfg.Apps[0].WebhookKeys = c.known
			r := start(t, cfg)
			endpoint := &chat.Endpoint{ID: "primary", App: appid, URL: r.base + "/callback", Token: token, EndpointSettings: chat.EndpointSettings{Keys: c.keys}}
			body := event{code: 10017, group: "g"}.body()
			got, err := delivery.Sample(t.Context(), endpoint, &chat.App{ID: appid, Epoch: "e"}, delivery.Network{}, []byte(body), string(callback.CmdGroupSendMsgException))
			if err != nil || got.Next != c.next {
				t.Fatalf("%+v, %v", got, err)
			}
			if n := len(r.list("").Exceptions); n != 0 {
				t.Errorf("%d are stored", n)
			}
			if c.next == "delivered" && r.journal().Tests != 1 {
				t.Errorf("journal %+v", r.journal())
			}
		})
	}
}
