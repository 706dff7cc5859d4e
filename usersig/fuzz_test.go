package usersig_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/usersig"
)

// FuzzVerify holds that any text ends in claims or in one of the documented
// errors, and that claims which were read can be signed and read again. The
// mutated texts rarely get past the checksum of zlib; FuzzDocument starts
// behind it.
func FuzzVerify(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.sig)
	}
	f.Add("")
	f.Add(wrap(f, `{"TLS.ver":"2.0"}`, 9))
	f.Fuzz(checkAnyText)
}

// FuzzDocument does as FuzzVerify with a well-formed wrapping of any document.
func FuzzDocument(f *testing.F) {
	f.Add(`{"TLS.ver":"2.0","TLS.identifier":"a","TLS.sdkappid":1,"TLS.expire":2,"TLS.time":3,"TLS.sig":"x"}`)
	f.Add(`{"TLS.ver":"2.0","TLS.identifier":"a","TLS.sdkappid":1,"TLS.expire":2,"TLS.time":3,"TLS.userbuf":"","TLS.sig":"","more":[{}]} `)
	f.Add(`{"TLS.ver":"2.0","TLS.ver":"2.0"}`)
	f.Add(`{"TLS.sdkappid":1e3,"TLS.expire":-9223372036854775808,"TLS.time":9223372036854775808}`)
	f.Fuzz(func(t *testing.T, document string) { checkAnyText(t, wrap(t, document, 1)) })
}

func checkAnyText(t *testing.T, sig string) {
	claims, err := usersig.Parse(sig)
	_, verifyErr := usersig.Verify(sig, appID, user, sampleKey, now)
	if err != nil {
		if !errors.Is(err, usersig.ErrMalformed) && !errors.Is(err, usersig.ErrEmpty) {
			t.Fatalf("Parse: unknown error %v", err)
		}
		if verifyErr == nil || verifyErr.Error() != err.Error() {
			t.Fatalf("Parse says %v, Verify %v", err, verifyErr)
		}
		return
	}
	again, err := usersig.Sign(claims, sampleKey)
	if err != nil {
		if len(claims.UserID)+len(claims.UserBuf) > 1000 {
			return // what fits compressed need not fit stored
		}
		t.Fatalf("claims %+v were read and cannot be signed: %v", claims, err)
	}
	reread, err := usersig.Verify(again, claims.SDKAppID, claims.UserID, sampleKey, now)
	if errors.Is(err, usersig.ErrExpired) && claims.ExpiresAt().Before(now) {
		return
	}
	if err != nil || !cmp.Equal(claims, reread) {
		t.Fatalf("read %+v, again %+v, error %v", claims, reread, err)
	}
}
