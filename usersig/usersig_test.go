package usersig_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/usersig"
	"pgregory.net/rapid"
)

const (
	appID  = 1400000000
	user   = "xiaojun"
	issued = 1700000000
)

var now = time.Unix(issued+10, 0)

// wrap makes the text of a UserSig around any document, compressed at level.
func wrap(t testing.TB, document string, level int) string {
	t.Helper()
	return wrapStream(compress(t, document, level))
}

func compress(t testing.TB, document string, level int) []byte {
	t.Helper()
	var stream bytes.Buffer
	w, err := zlib.NewWriterLevel(&stream, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, document); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return stream.Bytes()
}

func wrapStream(stream []byte) string {
	text := base64.StdEncoding.EncodeToString(stream)
	return strings.NewReplacer("+", "*", "/", "-", "=", "_").Replace(text)
}

// plainDocument decodes the text as a vendor's verifier does, with nothing of
// the package under test.
func plainDocument(t testing.TB, sig string) map[string]any {
	t.Helper()
	text := strings.NewReplacer("*", "+", "-", "/", "_", "=").Replace(sig)
	stream, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zlib.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.NewDecoder(r).Decode(&document); err != nil {
		t.Fatal(err)
	}
	return document
}

func sign(t testing.TB, change func(*usersig.Claims)) string {
	t.Helper()
	c := usersig.Claims{SDKAppID: appID, UserID: user, IssuedAt: issued, Expire: 3600}
	if change != nil {
		change(&c)
	}
	sig, err := usersig.Sign(c, sampleKey)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestFirstFailingCheckDecidesTheError(t *testing.T) {
	t.Parallel()
	late := time.Unix(issued+3601, 0)
	good := sign(t, nil)
	tests := map[string]struct {
		sig       string
		app       int64
		user, key string
		now       time.Time
		want      error
	}{
		"good":                        {good, appID, user, sampleKey, now, nil},
		"good in its last second":     {good, appID, user, sampleKey, time.Unix(issued+3600, 0), nil},
		"issued in the future":        {good, appID, user, sampleKey, time.Unix(issued-3600, 0), nil},
		"before the epoch":            {good, appID, user, sampleKey, time.Unix(math.MinInt64, 0), nil},
		"empty before all":            {"", 1, "x", otherKey, late, usersig.ErrEmpty},
		"malformed before app":        {good[:len(good)-8], 1, "x", otherKey, late, usersig.ErrMalformed},
		"app before user":             {good, 1, "x", otherKey, late, usersig.ErrWrongApp},
		"user before expiry":          {good, appID, "x", otherKey, late, usersig.ErrWrongUser},
		"case of the user counts":     {good, appID, "Xiaojun", sampleKey, now, usersig.ErrWrongUser},
		"expiry before key":           {good, appID, user, otherKey, late, usersig.ErrExpired},
		"key last":                    {good, appID, user, otherKey, now, usersig.ErrWrongKey},
		"empty key never fits":        {good, appID, user, "", now, usersig.ErrWrongKey},
		"key in upper case is no fit": {good, appID, user, strings.ToUpper(sampleKey), now, usersig.ErrWrongKey},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, err := usersig.Verify(test.sig, test.app, test.user, test.key, test.now)
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if err != nil && !cmp.Equal(claims, usersig.Claims{}) {
				t.Fatalf("claims %+v beside an error", claims)
			}
		})
	}
}

func TestLifetimeDoesNotOverflow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		issued, expire int64
		want           error
		ends           int64
	}{
		"largest lifetime holds":          {issued, math.MaxInt64, nil, 253402300799},
		"largest of both holds":           {math.MaxInt64, math.MaxInt64, nil, 253402300799},
		"no lifetime ends at once":        {issued, 0, usersig.ErrExpired, issued},
		"32 bits of seconds":              {issued, math.MaxUint32, nil, issued + math.MaxUint32},
		"issued at the epoch, long since": {0, 5, usersig.ErrExpired, 5},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := usersig.Claims{SDKAppID: appID, UserID: user, IssuedAt: test.issued, Expire: test.expire}
			sig, err := usersig.Sign(c, sampleKey)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := usersig.Verify(sig, appID, user, sampleKey, now); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if got := c.ExpiresAt().Unix(); got != test.ends {
				t.Errorf("ends at %d, want %d", got, test.ends)
			}
		})
	}
}

func TestUserBufferIsCompared(t *testing.T) {
	t.Parallel()
	with := func(buf []byte) string { return sign(t, func(c *usersig.Claims) { c.UserBuf = buf }) }
	tests := map[string]struct {
		sig  string
		want []byte
		key  string
		err  error
	}{
		"equal":                       {with([]byte("abc")), []byte("abc"), sampleKey, nil},
		"different, before the key":   {with([]byte("abc")), []byte("abd"), otherKey, usersig.ErrUserBuf},
		"missing, before the key":     {with(nil), []byte("abc"), otherKey, usersig.ErrUserBuf},
		"none is not an empty one":    {with(nil), nil, sampleKey, usersig.ErrUserBuf},
		"empty":                       {with([]byte{}), nil, sampleKey, nil},
		"equal, but sealed elsewhere": {with([]byte("abc")), []byte("abc"), otherKey, usersig.ErrWrongKey},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := usersig.VerifyUserBuf(test.sig, appID, user, test.key, test.want, now); !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
		})
	}
	c, err := usersig.Verify(with([]byte("abc")), appID, user, sampleKey, now)
	if err != nil || string(c.UserBuf) != "abc" {
		t.Fatalf("without asking for it: buffer %q, error %v", c.UserBuf, err)
	}
}

// Every byte of the document is under the seal or under a check of its own.
func TestChangedFieldIsRefused(t *testing.T) {
	t.Parallel()
	original := sign(t, func(c *usersig.Claims) { c.UserBuf = []byte("abc") })
	changes := map[string]any{
		"TLS.time":    json.Number("1700000001"),
		"TLS.expire":  json.Number("360000"),
		"TLS.userbuf": "YWJk",
		"TLS.sig":     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	}
	check := func(name string, document map[string]any) {
		document["TLS.time"] = asInteger(document["TLS.time"])
		document["TLS.expire"] = asInteger(document["TLS.expire"])
		document["TLS.sdkappid"] = asInteger(document["TLS.sdkappid"])
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		_, err = usersig.Verify(wrap(t, string(text), 6), appID, user, sampleKey, now)
		if name == "" && err != nil {
			t.Fatalf("unchanged: %v", err)
		}
		if name != "" && !errors.Is(err, usersig.ErrWrongKey) {
			t.Errorf("%s changed: error %v", name, err)
		}
	}
	check("", plainDocument(t, original))
	for name, value := range changes {
		document := plainDocument(t, original)
		document[name] = value
		check(name, document)
	}
	stripped := plainDocument(t, original)
	delete(stripped, "TLS.userbuf")
	check("TLS.userbuf", stripped)
}

func asInteger(value any) any {
	if f, ok := value.(float64); ok {
		return json.Number(fmt.Sprintf("%.0f", f))
	}
	return value
}

func TestMalformedTextIsRefused(t *testing.T) {
	t.Parallel()
	const fields = `"TLS.ver":"2.0","TLS.identifier":"xiaojun","TLS.sdkappid":1400000000,"TLS.expire":3600,"TLS.time":1700000000,"TLS.sig":"x"`
	if _, err := usersig.Parse(wrap(t, "{"+fields+"}", 6)); err != nil {
		t.Fatalf("the document that the cases below change: %v", err)
	}
	replaced := func(from, to string) string {
		if !strings.Contains(fields, from) {
			t.Fatalf("no %q to replace", from)
		}
		return wrap(t, "{"+strings.Replace(fields, from, to, 1)+"}", 6)
	}
	good := sign(t, nil)
	tests := map[string]string{
		"space":                  " " + good,
		"line end":               good[:20] + "\n" + good[20:],
		"plus sign":              "+" + good[1:],
		"too much padding":       good + "____",
		"padding in the middle":  good[:20] + "_" + good[21:],
		"not zlib":               wrapStream([]byte("hello, world")),
		"zlib with dictionary":   wrapStream([]byte{0x78, 0xbb, 0, 0, 0, 1, 3, 0}),
		"truncated":              good[:len(good)/2],
		"checksum wrong":         wrapStream([]byte{0x78, 1, 1, 2, 0, 0xfd, 0xff, '{', '}', 0, 0, 0, 0}),
		"bytes after the stream": wrapStream(append(compress(t, "{"+fields+"}", 6), 0)),
		"text too long":          wrap(t, "{"+fields+"}"+strings.Repeat(" ", usersig.MaxText), 0),
		"zip bomb":               wrap(t, "{"+fields+"}"+strings.Repeat(" ", 4<<20), 9),
		"document too long":      wrap(t, "{"+fields+"}"+strings.Repeat(" ", usersig.MaxDocument), 9),
		"deep nesting":           wrap(t, strings.Repeat("[", 60000), 9),
		"deep nesting in field":  wrap(t, `{"a":`+strings.Repeat("[", 60000), 9),
		"empty document":         wrap(t, "", 6),
		"array":                  wrap(t, "[]", 6),
		"null":                   wrap(t, "null", 6),
		"no fields":              wrap(t, "{}", 6),
		"object not closed":      wrap(t, "{"+fields, 6),
		"text after the object":  wrap(t, "{"+fields+"}{}", 6),
		"not UTF-8":              replaced("xiaojun", "\xff"),
		"field twice":            replaced(`"TLS.time":1`, `"TLS.time":1,"TLS.time":1`),
		"other field twice":      replaced(`"TLS.time"`, `"x":1,"x":2,"TLS.time"`),
		"version 1":              replaced(`"2.0"`, `"1.0"`),
		"version as number":      replaced(`"2.0"`, `2.0`),
		"name in other case":     replaced(`"TLS.time"`, `"tls.time"`),
		"user missing":           replaced(`"TLS.identifier"`, `"x"`),
		"user empty":             replaced(`"xiaojun"`, `""`),
		"user null":              replaced(`"xiaojun"`, `null`),
		"user as number":         replaced(`"xiaojun"`, `5`),
		"user with line end":     replaced(`xiaojun`, `a\nTLS.sdkappid:1`),
		"app as string":          replaced(`1400000000`, `"1400000000"`),
		"app with exponent":      replaced(`1400000000`, `14e8`),
		"app as fraction":        replaced(`1400000000`, `1400000000.0`),
		"app zero":               replaced(`1400000000`, `0`),
		"expire negative":        replaced(`3600`, `-1`),
		"expire beyond 64 bits":  replaced(`3600`, `9223372036854775808`),
		"time negative":          replaced(`1700000000`, `-1700000000`),
		"time missing":           replaced(`"TLS.time"`, `"x"`),
		"seal missing":           replaced(`"TLS.sig"`, `"x"`),
		"seal as array":          replaced(`"TLS.sig":"x"`, `"TLS.sig":["x"]`),
		"user buffer null":       replaced(`"TLS.sig"`, `"TLS.userbuf":null,"TLS.sig"`),
		"user buffer not base64": replaced(`"TLS.sig"`, `"TLS.userbuf":"a","TLS.sig"`),
	}
	for name, sig := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := usersig.Verify(sig, appID, user, sampleKey, now); !errors.Is(err, usersig.ErrMalformed) {
				t.Fatalf("error %v", err)
			}
			if c, err := usersig.Parse(sig); !errors.Is(err, usersig.ErrMalformed) || !cmp.Equal(c, usersig.Claims{}) {
				t.Fatalf("Parse: %+v, error %v", c, err)
			}
		})
	}
}

func TestPaddingMayBeMissingOrPlain(t *testing.T) {
	t.Parallel()
	padded := 0
	for length := range 6 {
		id := strings.Repeat("u", length+1)
		sig := sign(t, func(c *usersig.Claims) { c.UserID = id })
		bare := strings.TrimRight(sig, "_")
		padded += len(sig) - len(bare)
		for _, text := range []string{sig, bare, strings.ReplaceAll(sig, "_", "=")} {
			if _, err := usersig.Verify(text, appID, id, sampleKey, now); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	if padded == 0 {
		t.Fatal("no text had padding")
	}
}

func TestEveryCompressionIsReadable(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(plainDocument(t, sign(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	document := strings.NewReplacer("1.4e+09", "1400000000", "1.7e+09", "1700000000").Replace(string(text))
	for level := zlib.HuffmanOnly; level <= zlib.BestCompression; level++ {
		if _, err := usersig.Verify(wrap(t, document+"\n", level), appID, user, sampleKey, now); err != nil {
			t.Errorf("level %d: %v", level, err)
		}
	}
}

func TestSignRefusesWhatNoVerifierTakes(t *testing.T) {
	t.Parallel()
	good := usersig.Claims{SDKAppID: appID, UserID: user, IssuedAt: issued, Expire: 3600}
	tests := map[string]struct {
		change func(*usersig.Claims)
		key    string
	}{
		"no key":             {func(*usersig.Claims) {}, ""},
		"no app":             {func(c *usersig.Claims) { c.SDKAppID = 0 }, sampleKey},
		"no user":            {func(c *usersig.Claims) { c.UserID = "" }, sampleKey},
		"control character":  {func(c *usersig.Claims) { c.UserID = "a\nb" }, sampleKey},
		"delete character":   {func(c *usersig.Claims) { c.UserID = "a\x7f" }, sampleKey},
		"not UTF-8":          {func(c *usersig.Claims) { c.UserID = "a\xff" }, sampleKey},
		"negative time":      {func(c *usersig.Claims) { c.IssuedAt = -1 }, sampleKey},
		"negative lifetime":  {func(c *usersig.Claims) { c.Expire = -1 }, sampleKey},
		"long user buffer":   {func(c *usersig.Claims) { c.UserBuf = make([]byte, 5000) }, sampleKey},
		"longer user buffer": {func(c *usersig.Claims) { c.UserBuf = make([]byte, 1<<20) }, sampleKey},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := good
			test.change(&c)
			if sig, err := usersig.Sign(c, test.key); !errors.Is(err, usersig.ErrClaims) || sig != "" {
				t.Fatalf("got %q, error %v", sig, err)
			}
		})
	}
}

func TestMakeHoldsFromNow(t *testing.T) {
	t.Parallel()
	before := time.Now().Unix()
	sig, err := usersig.Make(appID, sampleKey, user, usersig.DefaultLifetime+time.Second/2)
	after := time.Now().Unix()
	if err != nil {
		t.Fatal(err)
	}
	c, err := usersig.Parse(sig)
	if err != nil {
		t.Fatal(err)
	}
	if c.IssuedAt < before || c.IssuedAt > after {
		t.Errorf("issued at %d, not within %d to %d", c.IssuedAt, before, after)
	}
	c.IssuedAt = 0
	if diff := cmp.Diff(usersig.Claims{SDKAppID: appID, UserID: user, Expire: 15552000}, c); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestWhatIsSignedIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := usersig.Claims{
			SDKAppID: rapid.Int64Range(1, math.MaxInt64).Draw(t, "app"),
			UserID:   rapid.StringMatching(`[ -~é-ü丁-丌]{1,32}`).Draw(t, "user"),
			IssuedAt: rapid.Int64Range(0, math.MaxInt64).Draw(t, "issued"),
			Expire:   rapid.Int64Range(0, math.MaxInt64).Draw(t, "expire"),
		}
		if rapid.Bool().Draw(t, "has buffer") {
			c.UserBuf = append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "buffer")...)
		}
		key := rapid.StringN(1, 64, -1).Draw(t, "key")
		sig, err := usersig.Sign(c, key)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Trim(sig, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-_") != "" {
			t.Fatalf("%q needs escaping", sig)
		}
		got, err := usersig.Verify(sig, c.SDKAppID, c.UserID, key, time.Unix(c.IssuedAt, 0))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Fatalf("claims (-signed +read):\n%s", diff)
		}
		if _, err := usersig.Verify(sig, c.SDKAppID, c.UserID, key+"x", time.Unix(c.IssuedAt, 0)); !errors.Is(err, usersig.ErrWrongKey) {
			t.Fatalf("with another key: %v", err)
		}
	})
}
