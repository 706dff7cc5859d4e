package caller

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/usersig"
	"pgregory.net/rapid"
)

// Whatever was presented before, at whatever time and under whatever key, what
// is remembered changes no answer; and no more is remembered than allowed.
func TestRememberingUserSigsChangesNoAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const limit = 6
		cache := NewVerified(limit)
		now := int64(1_800_000_000)
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			now += rapid.Int64Range(0, 20).Draw(t, "pause")
			app := &chat.App{ID: chat.AppID(rapid.IntRange(1, 2).Draw(t, "app")), Key: rapid.SampledFrom([]string{"old", "new"}).Draw(t, "key of the app")}
			user := rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "user")
			sig, err := usersig.Sign(usersig.Claims{
				SDKAppID: rapid.Int64Range(1, 2).Draw(t, "app signed"),
				UserID:   rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "user signed"),
				IssuedAt: 1_800_000_000, Expire: rapid.Int64Range(0, 600).Draw(t, "lifetime"),
			}, rapid.SampledFrom([]string{"old", "new"}).Draw(t, "key of the usersig"))
			if err != nil {
				t.Fatal(err)
			}
			at := time.Unix(now, 0)
			want := api.CodeOK
			if _, err := usersig.Verify(sig, int64(app.ID), user, app.Key, at); err != nil {
				want = codeOf(err)
			}
			got := api.CodeOK
			if refusal := cache.Check(app, user, sig, at); refusal != nil {
				got = refusal.Code
			}
			if got != want {
				t.Fatalf("answered %s, want %s", got, want)
			}
			if n := len(cache.young) + len(cache.old); n > limit {
				t.Fatalf("%d UserSigs are remembered", n)
			}
		}
	})
}

func BenchmarkVerified(b *testing.B) {
	app := &chat.App{ID: 1400000001, Key: "key"}
	for _, remembered := range []bool{true, false} {
		b.Run(fmt.Sprintf("remembered=%v", remembered), func(b *testing.B) {
			sig, err := usersig.Sign(usersig.Claims{SDKAppID: int64(app.ID), UserID: "admin", IssuedAt: 1, Expire: 1 << 40}, app.Key)
			if err != nil {
				b.Fatal(err)
			}
			cache, now := NewVerified(4096), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				if !remembered {
					cache = NewVerified(1)
				}
				if refusal := cache.Check(app, "admin", sig, now); refusal != nil {
					b.Fatal(refusal)
				}
			}
		})
	}
}
