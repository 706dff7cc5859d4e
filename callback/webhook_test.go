package callback_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/callback"
)

// The vectors were computed without this package, by OpenSSL over a file that
// holds "<id>.<timestamp>.<body>":
//
//	openssl dgst -sha256 -mac HMAC -macopt hexkey:SECRET -binary FILE | base64
//	openssl pkeyutl -sign -rawin -inkey KEY.pem -in FILE | base64
//
// The first is also the one that the Standard Webhooks libraries are tested
// with; the ed25519 key is that of RFC 8032, section 7.1, test 1.
const (
	vectorID    = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime  = 1614265330
	vectorBody  = `{"test": 2432232314}`
	secretText  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	seedText    = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
	privateText = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="
	publicText  = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	vectorV1    = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	vectorV1a   = "v1a,fldxM4gAKugP6nnt1hdz3sgGfZ6d99nzrMFnZOELIxbzEHoVmAb2ADpkJK7zgPePmPsle0zV9jSeGlHFG2NVAw=="
)

func key(t testing.TB, text string) callback.WebhookKey {
	t.Helper()
	k, err := callback.ParseWebhookKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSignWebhookMatchesVectorsComputedElsewhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ key, want string }{
		"HMAC":                {secretText, vectorV1},
		"ed25519":             {privateText, vectorV1a},
		"ed25519 from a seed": {seedText, vectorV1a},
		"a public key":        {publicText, ""},
	} {
		if got := callback.SignWebhook(vectorID, vectorTime, []byte(vectorBody), key(t, c.key)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	both := callback.SignWebhook(vectorID, vectorTime, []byte(vectorBody), key(t, secretText), key(t, privateText))
	if both != vectorV1+" "+vectorV1a {
		t.Errorf("two keys give %s", both)
	}
}

func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret"))
	for name, c := range map[string]struct {
		signature string
		keys      []string
		want      bool
	}{
		"HMAC fits":                               {vectorV1, []string{secretText}, true},
		"ed25519 fits its public key":             {vectorV1a, []string{publicText}, true},
		"ed25519 fits its private key":            {vectorV1a, []string{privateText}, true},
		"the second signature fits":               {"v1,AAAA " + vectorV1, []string{secretText}, true},
		"the second key fits":                     {vectorV1, []string{other, secretText}, true},
		"one of each kind":                        {vectorV1 + " " + vectorV1a, []string{publicText}, true},
		"unknown versions are passed over":        {"v2,x v9,AAAA " + vectorV1, []string{secretText}, true},
		"without padding":                         {strings.TrimRight(vectorV1, "="), []string{secretText}, true},
		"another secret":                          {vectorV1, []string{other}, false},
		"no key":                                  {vectorV1, nil, false},
		"HMAC under the other version":            {strings.Replace(vectorV1, "v1", "v1a", 1), []string{secretText, publicText}, false},
		"ed25519 under the other version":         {strings.Replace(vectorV1a, "v1a", "v1", 1), []string{secretText, publicText}, false},
		"no version":                              {vectorV1[3:], []string{secretText}, false},
		"cut":                                     {vectorV1[:40], []string{secretText}, false},
		"nothing":                                 {"", []string{secretText}, false},
		"nothing after the version":               {"v1, v1a,", []string{secretText, publicText}, false},
		"a hundred wrong ones before":             {strings.Repeat("v1,AAAA ", 100) + vectorV1, []string{secretText}, false},
		"in the alphabet for URLs":                {strings.NewReplacer("+", "-", "/", "_").Replace(vectorV1), []string{secretText}, false},
		"padding in the middle of the signature":  {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1O==", []string{secretText}, false},
		"comma for the space between signatures":  {vectorV1 + "," + vectorV1a, []string{secretText}, false},
		"the last bits of the last letter differ": {strings.Replace(vectorV1, "1OE=", "1OF=", 1), []string{secretText}, false},
	} {
		var keys []callback.WebhookKey
		for _, text := range c.keys {
			keys = append(keys, key(t, text))
		}
		if got := callback.VerifyWebhook(c.signature, vectorID, vectorTime, []byte(vectorBody), keys...); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	for name, fits := range map[string]bool{
		"another id":   callback.VerifyWebhook(vectorV1, vectorID+"x", vectorTime, []byte(vectorBody), key(t, secretText)),
		"another time": callback.VerifyWebhook(vectorV1, vectorID, vectorTime+1, []byte(vectorBody), key(t, secretText)),
		"another body": callback.VerifyWebhook(vectorV1, vectorID, vectorTime, []byte(vectorBody+" "), key(t, secretText)),
		"zero key":     callback.VerifyWebhook(vectorV1, vectorID, vectorTime, []byte(vectorBody), callback.WebhookKey{}),
	} {
		if fits {
			t.Errorf("%s fits", name)
		}
	}
}

func TestWebhookKeysThatAreNone(t *testing.T) {
	t.Parallel()
	mixed := append(make([]byte, 32), ed25519.NewKeyFromSeed(make([]byte, 32))[:32]...)
	for name, text := range map[string]string{
		"empty": "", "no prefix": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "another prefix": "whxx_AAAA", "no base64": "whsec_%%%",
		"empty secret": "whsec_", "short public key": "whpk_AAAA", "short private key": "whsk_AAAA",
		"public key of a private one's length": "whpk_" + privateText[5:], "prefix in upper case": "WHSEC_AAAA",
		"halves that do not belong together": "whsk_" + base64.StdEncoding.EncodeToString(mixed),
	} {
		if _, err := callback.ParseWebhookKey(text); err == nil || len(text) > 9 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if got := key(t, seedText).Public(); got != publicText {
		t.Errorf("public key %s", got)
	}
	for text, want := range map[string][2]bool{secretText: {true, false}, privateText: {true, true}, publicText: {false, true}} {
		if k := key(t, text); k.CanSign() != want[0] || k.Asymmetric() != want[1] {
			t.Errorf("%.6s: can sign %v, asymmetric %v", text, k.CanSign(), k.Asymmetric())
		}
	}
}

// webhook is a callback with a signature, and what a test may change in it.
func webhook(change func(http.Header), keys ...callback.WebhookKey) *http.Request {
	r := httptest.NewRequest("POST", unsigned, strings.NewReader(seedBody))
	callback.Delivery{ID: "evt_1", Epoch: "e", Sequence: 1, Timestamp: 1700000000}.SetHeaders(r.Header)
	r.Header.Set(callback.HeaderSignature, callback.SignWebhook("evt_1", 1700000000, []byte(seedBody), keys...))
	change(r.Header)
	return r
}

func TestReceiverVerifiesWebhookSignatures(t *testing.T) {
	t.Parallel()
	secret, public, private := key(t, secretText), key(t, publicText), key(t, privateText)
	const id, stamp, sig = callback.HeaderWebhookID, callback.HeaderTimestamp, callback.HeaderSignature
	at := func(unix int64) func(http.Header) {
		return func(h http.Header) {
			h.Set(stamp, strconv.FormatInt(unix, 10))
			h.Set(sig, callback.SignWebhook("evt_1", unix, []byte(seedBody), secret))
		}
	}
	for name, c := range map[string]struct {
		change func(http.Header)
		reason callback.Reason
	}{
		"signed":                      {func(http.Header) {}, ""},
		"a minute ago":                {at(1699999940), ""},
		"in a minute":                 {at(1700000060), ""},
		"more than a minute ago":      {at(1699999939), callback.ReasonTimestampOff},
		"more than a minute ahead":    {at(1700000061), callback.ReasonTimestampOff},
		"no signature":                {func(h http.Header) { h.Del(sig) }, callback.ReasonSignatureMissing},
		"two headers with signatures": {func(h http.Header) { h.Add(sig, vectorV1) }, callback.ReasonSignatureMissing},
		"no id":                       {func(h http.Header) { h.Del(id) }, callback.ReasonTimestampMissing},
		"two ids":                     {func(h http.Header) { h.Add(id, "evt_2") }, callback.ReasonTimestampMissing},
		"another id":                  {func(h http.Header) { h.Set(id, "evt_2") }, callback.ReasonSignatureWrong},
		"no timestamp":                {func(h http.Header) { h.Del(stamp) }, callback.ReasonTimestampMissing},
		"timestamp is no number":      {func(h http.Header) { h.Set(stamp, "noon") }, callback.ReasonTimestampMissing},
		"timestamp with a sign":       {func(h http.Header) { h.Set(stamp, "+1700000000") }, callback.ReasonTimestampMissing},
		"another timestamp":           {func(h http.Header) { h.Set(stamp, "1700000001") }, callback.ReasonSignatureWrong},
		"signature of something else": {func(h http.Header) { h.Set(sig, vectorV1) }, callback.ReasonSignatureWrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused callback.Refused
			rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}, Keys: map[int64][]callback.WebhookKey{appid: {public, secret}},
				Now: noon, OnRefused: func(r callback.Refused) { refused = r }}
			w := httptest.NewRecorder()
			rc.ServeHTTP(w, webhook(c.change, secret))
			if want := max(200, c.reason.Status()); w.Code != want || refused.Reason != c.reason {
				t.Errorf("answered %d, %q; want %d, %q", w.Code, refused.Reason, want, c.reason)
			}
		})
	}
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}, Keys: map[int64][]callback.WebhookKey{appid: {public}}, Now: noon}
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, webhook(func(http.Header) {}, private))
	if w.Code != 200 {
		t.Errorf("ed25519 is answered %d %s", w.Code, w.Body)
	}
	rc.Keys[appid] = []callback.WebhookKey{{}}
	w = httptest.NewRecorder()
	rc.ServeHTTP(w, webhook(func(http.Header) {}, private))
	if w.Code != 401 {
		t.Errorf("with a zero key alone it is answered %d", w.Code)
	}
}

func TestTokenAndKeysAreBothDemanded(t *testing.T) {
	t.Parallel()
	secret := key(t, secretText)
	rc := &callback.Receiver{Apps: map[int64][]string{appid: {"secret"}}, Keys: map[int64][]callback.WebhookKey{appid: {secret}}, Now: noon}
	for target, want := range map[string]int{unsigned: 401, signed("other"): 401, signed("secret"): 200} {
		r := webhook(func(http.Header) {}, secret)
		r.URL.RawQuery = strings.SplitN(target, "?", 2)[1]
		w := httptest.NewRecorder()
		if rc.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s: answered %d %s", target, w.Code, w.Body)
		}
	}
	if got := receive(rc, "POST", signed("secret"), strings.NewReader(seedBody)); got.Code != 401 || !strings.Contains(got.Body.String(), "webhook-signature") {
		t.Errorf("without a webhook-signature: %d %s", got.Code, got.Body)
	}
}

func TestHeartbeatAndTestAreHandedOver(t *testing.T) {
	t.Parallel()
	var got *callback.Event
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}, OnEvent: func(_ context.Context, ev *callback.Event) error { got = ev; return nil }}
	r := httptest.NewRequest("POST", "/?SdkAppid=1400000001&CallbackCommand=Parley.CallbackHeartbeat", strings.NewReader(
		`{"CallbackCommand":"Parley.CallbackHeartbeat","EventTime":1700000000123,"HeadSequence":12,"Interval":60,"LastSequence":9}`))
	r.Header.Set("webhook-id", "hb_1")
	r.Header.Set("webhook-timestamp", "1700000000")
	r.Header.Set("Parley-Epoch", "e")
	r.Header.Set("Parley-Settled", "8")
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, r)
	beat, ok := got.Body.(*callback.Heartbeat)
	want := callback.Heartbeat{CallbackCommand: callback.CmdParleyHeartbeat, EventTime: 1700000000123, HeadSequence: 12, Interval: 60, LastSequence: 9}
	if w.Code != 200 || !ok || *beat != want || got.Delivery.Settled != 8 || got.Delivery.Sequence != 0 || got.Delivery.Timestamp != time.Unix(1700000000, 0).Unix() {
		t.Errorf("answered %d, %+v %+v", w.Code, got, beat)
	}
	r = webhook(func(h http.Header) { h.Set("Parley-Test", "1") })
	if rc.ServeHTTP(httptest.NewRecorder(), r); !got.Delivery.Test {
		t.Errorf("a sample came as %+v", got.Delivery)
	}
}

// Whatever the header says, nothing fits but what was signed.
func FuzzVerifyWebhook(f *testing.F) {
	for _, seed := range []string{vectorV1, vectorV1a, vectorV1 + " " + vectorV1a, "", "v1,", ",", " ", "v1,%%", "v1a,AAAA v2,x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		fits := callback.VerifyWebhook(header, vectorID, vectorTime, []byte(vectorBody), key(t, secretText), key(t, publicText))
		signed := false
		for _, word := range strings.Split(header, " ") {
			unpadded := strings.TrimRight(word, "=")
			signed = signed || unpadded == strings.TrimRight(vectorV1, "=") || unpadded == strings.TrimRight(vectorV1a, "=")
		}
		if fits && !signed {
			t.Errorf("%q fits", header)
		}
		if callback.VerifyWebhook(header, vectorID, vectorTime, []byte(vectorBody+"x"), key(t, secretText), key(t, publicText)) {
			t.Errorf("%q fits another body", header)
		}
	})
}

// Whatever text is a key, it signs what it verifies.
func FuzzParseWebhookKey(f *testing.F) {
	for _, seed := range []string{secretText, seedText, privateText, publicText, "whsec_", "whpk_AAAA", "_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := callback.ParseWebhookKey(text)
		if err != nil {
			if k.CanSign() || k.Asymmetric() {
				t.Error("an error and a key")
			}
			return
		}
		signature := callback.SignWebhook("id", 1, []byte("{}"), k)
		if k.CanSign() != (signature != "") || k.CanSign() && !callback.VerifyWebhook(signature, "id", 1, []byte("{}"), k) {
			t.Errorf("%q signs %q", text, signature)
		}
	})
}
