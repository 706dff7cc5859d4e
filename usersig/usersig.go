// Package usersig makes and verifies UserSigs, the tickets with which a user
// or an admin of an app proves who he is to Tencent Cloud Chat or to Parley
// (document 1047/34385, version 2.0 of the format).
//
// A UserSig is a JSON document of an app's number, a UserID, a time of issue
// and a lifetime, sealed with an HMAC under the secret key of the app. It may
// carry a user buffer, bytes of the issuer's choice under the same seal. The
// document is wrapped in a zlib stream and in base64 with an alphabet that
// needs no escaping in a URL.
//
// Verification is safe against hostile input: text and document are bounded
// (MaxText, MaxDocument), a field that is missing, doubled or of the wrong
// type is refused, and the seal is compared in constant time. It keeps no
// record of the UserSigs it has seen; whoever has the text has the right until
// it expires.
package usersig

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// DefaultLifetime is the lifetime that the samples of the protocol use.
const DefaultLifetime = 180 * 24 * time.Hour

// The errors of Verify, one for each check, in the order of the checks. They
// may be wrapped; compare with errors.Is.
var (
	ErrEmpty     = errors.New("usersig: empty")
	ErrMalformed = errors.New("usersig: malformed")
	ErrWrongApp  = errors.New("usersig: made for another app")
	ErrWrongUser = errors.New("usersig: made for another user")
	ErrExpired   = errors.New("usersig: expired")
	ErrUserBuf   = errors.New("usersig: user buffer missing or different")
	ErrWrongKey  = errors.New("usersig: not made with the key of the app")
)

// ErrClaims is the error of Sign for claims or a key that no verifier would
// take.
var ErrClaims = errors.New("usersig: claims cannot be signed")

// Claims is what a UserSig says.
type Claims struct {
	SDKAppID int64  // number of the app, above 0
	UserID   string // printable UTF-8 without control characters, not empty
	IssuedAt int64  // time of issue in Unix seconds, not negative
	Expire   int64  // lifetime in seconds, not negative
	UserBuf  []byte // user buffer; nil is none, which is not the same as an empty one
}

// lastSecond is the end of the year 9999, the latest time that all of package
// time can format.
const lastSecond = 253402300799

// ExpiresAt returns the last second at which the claims hold. Times after the
// year 9999 are returned as its last second.
func (c Claims) ExpiresAt() time.Time {
	return time.Unix(int64(min(c.end(), lastSecond)), 0)
}

// end is IssuedAt plus Expire. Both are at most 1<<63 - 1, so that their sum
// always fits.
func (c Claims) end() uint64 {
	return uint64(max(c.IssuedAt, 0)) + uint64(max(c.Expire, 0))
}

func (c Claims) expired(now time.Time) bool {
	seconds := now.Unix()
	return seconds > 0 && uint64(seconds) > c.end()
}

// fault says what is wrong with the claims themselves, or nothing.
func (c Claims) fault() string {
	switch {
	case c.SDKAppID <= 0:
		return "sdkappid is not above 0"
	case !validUserID(c.UserID):
		return "identifier is empty or not printable"
	case c.IssuedAt < 0:
		return "time is negative"
	case c.Expire < 0:
		return "expire is negative"
	}
	return ""
}

// Make signs a UserSig without a user buffer that starts to hold now. The
// lifetime is cut to whole seconds. The errors are those of Sign.
func Make(appID int64, key, userID string, lifetime time.Duration) (string, error) {
	return Sign(Claims{
		SDKAppID: appID,
		UserID:   userID,
		IssuedAt: time.Now().Unix(),
		Expire:   int64(lifetime / time.Second),
	}, key)
}

// Sign returns the text of a UserSig with the given claims under the secret
// key of the app, which is used as it is written: the hex digits, not the
// bytes they stand for. The same claims and key always give the same text. An
// ErrClaims tells of an empty key, of claims outside the limits that Claims
// names, or of ones so long that the text would exceed MaxText.
func Sign(c Claims, key string) (string, error) {
	if key == "" {
		return "", fmt.Errorf("%w: key is empty", ErrClaims)
	}
	if fault := c.fault(); fault != "" {
		return "", fmt.Errorf("%w: %s", ErrClaims, fault)
	}
	text, err := encode(document{Claims: c, sig: seal(c, key)})
	if err != nil {
		return "", err
	}
	if len(text) > MaxText {
		return "", fmt.Errorf("%w: text of %d bytes exceeds %d", ErrClaims, len(text), MaxText)
	}
	return text, nil
}

// Verify checks that sig was made with key for this app and user and has not
// expired, and returns what it says. A user buffer is covered by the seal and
// returned, but none is asked for; VerifyUserBuf asks for one. The first check
// that fails decides the error: ErrEmpty, ErrMalformed, ErrWrongApp,
// ErrWrongUser, ErrExpired, ErrWrongKey. A UserSig holds through its last
// second; a time of issue in the future is no fault.
func Verify(sig string, appID int64, userID, key string, now time.Time) (Claims, error) {
	return verify(sig, appID, userID, key, now, nil)
}

// VerifyUserBuf is Verify for a UserSig that has to carry exactly this user
// buffer, which may be empty. Another one, or none, is ErrUserBuf, checked
// before the key.
func VerifyUserBuf(sig string, appID int64, userID, key string, userBuf []byte, now time.Time) (Claims, error) {
	if userBuf == nil {
		userBuf = []byte{}
	}
	return verify(sig, appID, userID, key, now, userBuf)
}

func verify(sig string, appID int64, userID, key string, now time.Time, wantBuf []byte) (Claims, error) {
	doc, err := decode(sig)
	if err != nil {
		return Claims{}, err
	}
	switch {
	case doc.SDKAppID != appID:
		return Claims{}, ErrWrongApp
	case doc.UserID != userID:
		return Claims{}, ErrWrongUser
	case doc.expired(now):
		return Claims{}, ErrExpired
	case wantBuf != nil && (doc.UserBuf == nil || !bytes.Equal(doc.UserBuf, wantBuf)):
		return Claims{}, ErrUserBuf
	case key == "" || !hmac.Equal([]byte(seal(doc.Claims, key)), []byte(doc.sig)):
		return Claims{}, ErrWrongKey
	}
	return doc.Claims, nil
}

// Parse returns what sig says without checking that any of it is true. The
// error is ErrEmpty or ErrMalformed.
func Parse(sig string) (Claims, error) {
	doc, err := decode(sig)
	return doc.Claims, err
}

// seal is the base64 text of the HMAC over the claims.
func seal(c Claims, key string) string {
	text := make([]byte, 0, 256)
	text = append(text, "TLS.identifier:"...)
	text = append(text, c.UserID...)
	text = append(text, "\nTLS.sdkappid:"...)
	text = strconv.AppendInt(text, c.SDKAppID, 10)
	text = append(text, "\nTLS.time:"...)
	text = strconv.AppendInt(text, c.IssuedAt, 10)
	text = append(text, "\nTLS.expire:"...)
	text = strconv.AppendInt(text, c.Expire, 10)
	if c.UserBuf != nil {
		text = append(text, "\nTLS.userbuf:"...)
		text = base64.StdEncoding.AppendEncode(text, c.UserBuf)
	}
	text = append(text, '\n')
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
