package usersig_test

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/usersig"
)

const (
	// sampleKey is the key of the samples in document 1047/34385.
	sampleKey = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	otherKey  = "00c1d5b1b2a4e1f7a9b8c7d6e5f40312233445566778899aabbccddeeff00112"
)

// vector is a UserSig made by the reference implementation for Node, the npm
// package tls-sig-api-v2 in version 1.0.2, with its clock held at 1700000000.
// All but those with a user buffer come from genUserSig; the private map keys
// from genPrivateMapKey and genPrivateMapKeyWithStringRoomID, the other user
// buffers from genSig.
type vector struct {
	name    string
	appID   int64
	key     string
	userID  string
	expire  int64
	userBuf any // base64 text, or nil for none
	sig     string
}

var vectors = []vector{
	{"vendor sample", 1400000000, sampleKey, "xiaojun", 15552000, nil,
		"eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwhWZiflZpXlQqeKU7MSCgswUJStDEwMogMiUZOamKlkZmqOKplYUZBaBxE1NTY3gosWZ6UpWSj5ljuYp*p7l5unBxXnF2WVhVU4uAf7Ozi5JpX7O5SbuHuUhzgZJmQXaTia2SrUAohcx8g__"},
	{"administrator", 1400000000, sampleKey, "administrator", 86400, nil,
		"eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5mcUlRYkl*UVQBcUp2YkFBZkpSlaGJgZQAJEpycxNVbIyNEcVTa0oyCxKVbKyMDOBCRVnpitZKVX6OKZql5uHh6aGlhYmhVlm6IdEmFuUGhnmh7hnamdaRhUYlhoHFORFmhnYKtUCAK0SM5I_"},
	{"second app and key", 1600012345, otherKey, "61934946", 604800, nil,
		"eJw1yVELgjAUhuH-cm4LO5tr6qDLpJEEol3UnbK1DlGYzjCi-x6ofXff836gzIrgZVtQwAOE5fjJ2IenC40sWRKKRMi5deZWNQ0ZUEwiIuOhWE-F092CYhHOm9QODbUWlEQR-60jBwpcX-Rn111Pu0i-48HtfZm1brs4Or4qU6PrKn0edIK5yTfw-QHAHDCe"},
	{"user with symbols", 20000001, otherKey, "user_1-2.3@example+x", 1, nil,
		"eJwty1sLgkAUBOD-cl4r0xXKFoJCAqH7BV9F26MeWmtZd2Mh*u*ROm-zMfOB2*7qvVEDB*b5MO46CXwaKqlj26LOggnzwhW6vFESR27YteKRK0UCOPO7BL0bahB4MPeH9IpOkf77cKYKOKz3pi6L7YtiaeNNvTiZsyuOOknlPYniMLTTi0xnUX1oqiV8f8fyNHk_"},
	{"longest user id", 1400000000, sampleKey, "abcdefghijklmnopqrstuvwxyz012345", 4294967295, nil,
		"eJxVjMsOgjAURP-lbjEEank1caEkRhM2KH4A2gLlWVvKQ*O-myAbZzfnZOYNSXQ1ByaBADIt2CydU9b2POMLTu8PyrK84GVVN20nnlL1ehin*WXZaIuddaNolQrBKRAbW2t*pucNA2J7-5RNgksGBKMAB66HAmf94TkQGJW*6bqMlbGX3Tn1fRRHWhaH8BQac4nw0aXVJclwk8c7*HwBni08Fw__"},
	{"markup in user id", 1400000000, sampleKey, `<a href="x">&\`, 3600, nil,
		"eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwjaJChlFqWm2MUoVMUp2ajExUEXFKdmJBQWZKUpWhiYGUACRKcnMTVWyMjRHFU2tKMgsSlWyMjaDiRRnpitZKZX4pPiYuoeHuJmGWGpXBucV*5lElQT5GZsXl5rn5jtXhFv6VRmWpxlU*mTbKtUCAIYkM3k_"},
	{"user buffer", 1400000000, sampleKey, "xiaojun", 86400, "YWJj",
		"eJxVjF0LgjAYRv-Le1vIrPXBoAu7CUQwULRdapvuXWUynYyi-x6YXvTcnXPgeUMaJd4gDTBYeQSWI6OQTY8Vjtph8dS2mVInbkXbogDmUzLtV3p8SGD*7t9K16KRwPZbOivbSVPaChjwPNTzL9bAIC7K9XCp75xuzlf3WiSJVsIdc6vSwGXK8agaMn1ScUgO8PkCf2c44Q__"},
	{"binary user buffer", 1600012345, otherKey, "alice", 86400, "AP8KDSJc",
		"eJw1jFkLgkAURv-LfQ4ZJ7NhoIdcghZQmIbw0WWUqyaTSxjRfw9cvrdzDnxfuN*E8VYtcKAGgc3EmKmmxxwnHdeYqiV0WRVrjRlw0yaEmHRr7ebS41MBN-dk2WzVqLFVwJltrWroVJsMOXA4huzqiUu6fmMBHETlyHNz6j*JSh05vAKN7hj6dVm6jAWh70WUuiIqHlIe4PcHoPI4NQ__"},
	{"empty user buffer", 1400000000, sampleKey, "xiaojun", 86400, "",
		"eJxVjMEKgkAURf-lbQsbzTQGWgVFOEFgRVvHeTO8xFFGLSn698B00d2dc*C*4SxS74EOOAQeg-nApNC2pGnQPWXVvbNjalSR1TUp4H7Ixv1KSyUC9*N-i31NDoGvo3BSXYNOdho4TJ9kgEMpdvvgKJ7GzqLFKWXL6iBtn19NnFxeN72V7YpIOkxksYHPF3oSNtI_"},
	{"private map key", 1400000000, sampleKey, "xiaojun", 86400, "AAAHeGlhb2p1blNyTgAAACcQZVVCgAAAAP8AAAAA",
		"eJxVjU0LgkAYhP-Ley3KDStZ6LCFKKWhKArdMtf2NbXFr6zov0elh*YwzDxzmCf4ljdpeQkUZhMFxt*OMS9qTPCLOzxe06bopyq*HKXEGChRlV6-pcacAyXLf8o7iSUHqi3UATUVL6MmAQqMMZMbmYhmkkTZ-u6fGWObk3sIgs0nMkf7OBu*8QwU8nnoWGtHPUhbpPp0ZHiP3HT1XWTZXdWGKEgjtr6rVM5tBa83*kRDAg__"},
	{"private map key with room name", 1400000000, sampleKey, "xiaojun", 86400, "AQAHeGlhb2p1blNyTgAAAAAAZVVCgAAAACoAAAAAAAZyb29tLTE=",
		"eJxVjs0KgkAYRd-l2xaiolYDLjT6AykssWjnz2ifWjNNWiPRuwemi*7q3nM29w2Bd1CeVAABXVFh3G1M6a3GDDssMWJFc*vVIy0jzjEFohlqn5*p8UqBaJN-SiVHQYFMLWNAzYOKuMmAgOM7a7qqLrHOtbjatkHudDmH4byrc*b0pI31We0FC3v4gTkQ2L9E6-lYsN3yaGX5JLy7AZOL1kyevsr1Up7MpBxthbvf2PD5AlSWRzo_"},
}

func (v vector) claims(t *testing.T) usersig.Claims {
	t.Helper()
	c := usersig.Claims{SDKAppID: v.appID, UserID: v.userID, IssuedAt: 1700000000, Expire: v.expire}
	if text, ok := v.userBuf.(string); ok {
		buf, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		c.UserBuf = buf
	}
	return c
}

func TestVectorsOfReferenceImplementationAreVerified(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			want := v.claims(t)
			for _, now := range []int64{want.IssuedAt, want.IssuedAt + want.Expire} {
				got, err := usersig.Verify(v.sig, v.appID, v.userID, v.key, time.Unix(now, 0))
				if err != nil {
					t.Fatalf("at %d: %v", now, err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("claims (-want +got):\n%s", diff)
				}
			}
			if want.UserBuf != nil {
				if _, err := usersig.VerifyUserBuf(v.sig, v.appID, v.userID, v.key, want.UserBuf, time.Unix(want.IssuedAt, 0)); err != nil {
					t.Fatalf("with its user buffer: %v", err)
				}
			}
			if _, err := usersig.Verify(v.sig, v.appID, v.userID, v.key+"0", time.Unix(want.IssuedAt, 0)); !errors.Is(err, usersig.ErrWrongKey) {
				t.Fatalf("with another key: %v", err)
			}
		})
	}
}

// The compression differs, the sealed document must not.
func TestSignSealsLikeReferenceImplementation(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			ours, err := usersig.Sign(v.claims(t), v.key)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(plainDocument(t, v.sig), plainDocument(t, ours)); diff != "" {
				t.Fatalf("document (-reference +ours):\n%s", diff)
			}
		})
	}
}
