package callback

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"time"
)

// Sign returns the value of the query parameter Sign: the SHA-256 of the
// token's text followed by requestTime's decimal text, in lower-case hex.
// requestTime is in Unix seconds and travels beside it as RequestTime.
//
// Nothing else is signed, neither body nor address: whoever sees a pair can
// use it for any body until it is too old. So callbacks want HTTPS.
func Sign(token string, requestTime int64) string {
	sum := sha256.Sum256(strconv.AppendInt([]byte(token), requestTime, 10))
	return hex.EncodeToString(sum[:])
}

// Verify reports whether sign was made for requestTime with one of tokens. It
// compares in constant time and does not look at the clock: see [Fresh]. An
// empty token never fits, because anybody could sign with it.
func Verify(sign string, requestTime int64, tokens ...string) bool {
	fits := 0
	for _, token := range tokens {
		if token != "" {
			fits |= subtle.ConstantTimeCompare([]byte(sign), []byte(Sign(token, requestTime)))
		}
	}
	return fits == 1
}

// Fresh reports whether requestTime, in Unix seconds, lies at most skew before
// or after now. Both are compared in whole seconds.
func Fresh(requestTime int64, now time.Time, skew time.Duration) bool {
	seconds := int64(skew / time.Second)
	return requestTime >= now.Unix()-seconds && requestTime <= now.Unix()+seconds
}
