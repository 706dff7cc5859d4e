package usersig_test

import (
	"testing"
	"time"

	"github.com/parley-im/parley/usersig"
)

func BenchmarkSign(b *testing.B) {
	claims := usersig.Claims{SDKAppID: appID, UserID: user, IssuedAt: issued, Expire: 15552000}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := usersig.Sign(claims, sampleKey); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for name, sig := range map[string]string{"stored": sign(b, nil), "deflated": vectors[0].sig} {
		b.Run(name, func(b *testing.B) {
			at := time.Unix(issued, 0)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := usersig.Verify(sig, appID, user, sampleKey, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
