package callback_test

import (
	"testing"
	"time"

	"github.com/parley-im/parley/callback"
)

// The first row is the sample that the public documents print; the second is
// the token that older versions of them print beside the first row's hash.
func TestSignMatchesThePublishedSample(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		"xxxxyyyy": "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061",
		"xxxyyy":   "e78a85473bed2cdc8d6fa8c4d5a4ba4735fd64156e15a99516b9890293e135de",
	} {
		if got := callback.Sign(token, 1669872112); got != want {
			t.Errorf("Sign(%q) = %s, want %s", token, got, want)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	sign := callback.Sign("new", 1700000000)
	for name, c := range map[string]struct {
		sign   string
		time   int64
		tokens []string
		want   bool
	}{
		"the only token fits":           {sign, 1700000000, []string{"new"}, true},
		"first of two fits":             {sign, 1700000000, []string{"new", "old"}, true},
		"second of two fits":            {sign, 1700000000, []string{"old", "new"}, true},
		"the same token twice fits":     {sign, 1700000000, []string{"new", "new"}, true},
		"another time does not fit":     {sign, 1700000001, []string{"new"}, false},
		"another token does not fit":    {sign, 1700000000, []string{"old"}, false},
		"an empty token never fits":     {callback.Sign("", 1700000000), 1700000000, []string{""}, false},
		"no token never fits":           {sign, 1700000000, nil, false},
		"an empty signature is refused": {"", 1700000000, []string{"new"}, false},
		"a cut signature is refused":    {sign[:63], 1700000000, []string{"new"}, false},
	} {
		if got := callback.Verify(c.sign, c.time, c.tokens...); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestFreshIsInclusiveInBothDirections(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 999_000_000)
	for offset, want := range map[int64]bool{-61: false, -60: true, 0: true, 60: true, 61: false} {
		if got := callback.Fresh(1700000000+offset, now, time.Minute); got != want {
			t.Errorf("%d s off: got %v", offset, got)
		}
	}
	for _, far := range []int64{-1 << 63, 1<<63 - 1} {
		if callback.Fresh(far, now, time.Minute) {
			t.Errorf("%d is fresh", far)
		}
	}
}
