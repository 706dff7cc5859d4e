package delivery

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/chat"
)

func TestTheURLIsThePagesWithTheFiveParametersInOrder(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 999_999_999)
	const five = "SdkAppid=1400000001&CallbackCommand=Group.CallbackSendMsgException&contenttype=json&ClientIP=203.0.113.9&OptPlatform=Android"
	for _, c := range []struct{ name, url, token, ip, platform, want string }{
		{name: "without a path", url: "https://www.example.com", want: "https://www.example.com/?" + five},
		{name: "with a slash", url: "https://www.example.com/", want: "https://www.example.com/?" + five},
		{name: "with a port", url: "http://www.example.com:8090", want: "http://www.example.com:8090/?" + five},
		{name: "with a path", url: "http://127.0.0.1:8090/im/callback", want: "http://127.0.0.1:8090/im/callback?" + five},
		{name: "with an escaped path", url: "http://h/a%2Fb%20c", want: "http://h/a%2Fb%20c?" + five},
		{name: "with a query of its own", url: "http://h/cb?tenant=a%20b&x", want: "http://h/cb?tenant=a%20b&x&" + five},
		{name: "with a query that ends badly", url: "http://h/cb?tenant=1&", want: "http://h/cb?tenant=1&" + five},
		{name: "with an empty query", url: "http://h/cb?", want: "http://h/cb?" + five},
		{name: "with a query and no path", url: "http://h?k=v", want: "http://h/?k=v&" + five},
		{name: "to an IPv6 host", url: "http://[2001:db8::1]:80/", want: "http://[2001:db8::1]:80/?" + five},
		{name: "for a client with IPv6", url: "http://h", ip: "2001:db8::7", want: "http://h/?" + strings.Replace(five, "203.0.113.9", "2001%3Adb8%3A%3A7", 1)},
		{name: "for a platform that would break it", url: "http://h", platform: "a&b=c d#", want: "http://h/?" + strings.Replace(five, "=Android", "=a%26b%3Dc+d%23", 1)},
		{name: "signed", url: "http://h", token: "abc", want: "http://h/?" + five +
			"&Sign=" + callback.Sign("abc", 1700000000) + "&RequestTime=1700000000"},
		{name: "signed, with a query of its own", url: "http://h/cb?k=v", token: "tøken&=", want: "http://h/cb?k=v&" + five +
			"&Sign=" + callback.Sign("tøken&=", 1700000000) + "&RequestTime=1700000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			to, err := newTarget(c.url, c.token)
			if err != nil {
				t.Fatal(err)
			}
			if c.ip == "" {
				c.ip = "203.0.113.9"
			}
			if c.platform == "" {
				c.platform = "Android"
			}
			for range 2 { // an attempt leaves nothing behind for the next
				if got := to.url(1400000001, chat.CommandSendMsgException, c.ip, c.platform, now).String(); got != c.want {
					t.Errorf("\n got %s\nwant %s", got, c.want)
				}
			}
		})
	}
}

func TestSignAndRequestTimeAreMadeAnewForEachAttempt(t *testing.T) {
	t.Parallel()
	to, err := newTarget("https://www.example.com", "token")
	if err != nil {
		t.Fatal(err)
	}
	for _, second := range []int64{1700000000, 1700000001, 1800000000} {
		q := to.url(1, chat.CommandSendMsgException, "", "RESTAPI", time.Unix(second, 5)).Query()
		if q.Get("RequestTime") != strconv.FormatInt(second, 10) || !callback.Verify(q.Get("Sign"), second, "token") {
			t.Errorf("at %d: %v", second, q)
		}
	}
}

func TestAURLThatCannotBeCalledIsRefusedWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "www.example.com", "ftp://u:secret@h/", "https://", "http:///path", "http://u:secret@h/#part", "http://u:secret@h:port/", "http:opaque", "http://%zz.secret/",
	} {
		if _, err := newTarget(text, ""); err == nil {
			t.Errorf("%q is taken", text)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows it: %v", text, err)
		}
	}
}

// The query that is made for any client and platform says exactly them.
func FuzzURL(f *testing.F) {
	f.Add("203.0.113.9", "Android", "k=v")
	f.Add("2001:db8::7", "a&b=c", "")
	f.Add("\x00\xff", " ", "Sign=1&&")
	f.Fuzz(func(t *testing.T, ip, platform, own string) {
		to, err := newTarget("http://h/?"+own, "t")
		if err != nil {
			return
		}
		raw := to.url(1, "C", ip, platform, time.Unix(1, 0)).RawQuery
		_, ours, ok := strings.Cut(raw, "SdkAppid=1&CallbackCommand=C&contenttype=json&")
		if !ok {
			t.Fatal(raw)
		}
		q, err := url.ParseQuery(ours)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(own, "SdkAppid=") { // then the cut is not where ours begin
			return
		}
		if q.Get("ClientIP") != ip || q.Get("OptPlatform") != platform || q.Get("Sign") != callback.Sign("t", 1) {
			t.Errorf("%q %q: %s", ip, platform, raw)
		}
	})
}
