package usersig_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/usersig"
)

func ExampleSign() {
	sig, err := usersig.Sign(usersig.Claims{
		SDKAppID: 1400000000,
		UserID:   "xiaojun",
		IssuedAt: 1700000000,
		Expire:   int64(usersig.DefaultLifetime / time.Second),
	}, "the secret key of the app")
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := usersig.Parse(sig)
	fmt.Println(claims.UserID, claims.ExpiresAt().UTC(), err)
	// Output: xiaojun 2024-05-12 22:13:20 +0000 UTC <nil>
}

func ExampleVerify() {
	key := "the secret key of the app"
	sig, err := usersig.Make(1400000000, key, "xiaojun", time.Hour)
	if err != nil {
		fmt.Println(err)
		return
	}

	claims, err := usersig.Verify(sig, 1400000000, "xiaojun", key, time.Now())
	fmt.Println(claims.UserID, err)

	_, err = usersig.Verify(sig, 1400000000, "xiaojun", key, time.Now().Add(2*time.Hour))
	fmt.Println(errors.Is(err, usersig.ErrExpired))
	// Output:
	// xiaojun <nil>
	// true
}
