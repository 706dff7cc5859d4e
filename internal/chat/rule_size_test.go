package chat

import "testing"

func TestSizeRule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size, limit int
		want        *Refusal
	}{
		"small":                {1, 12288, nil},
		"as long as it may be": {12288, 12288, nil},
		"one byte too long":    {12289, 12288, &Refusal{Code: 80002, Info: "message is too long", Compared: map[string]any{"size": 12289, "limit": 12288}}},
		"shorter limit":        {8001, 8000, &Refusal{Code: 80002, Info: "message is too long", Compared: map[string]any{"size": 8001, "limit": 8000}}},
		"no limit":             {1 << 20, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, checkSize(&Content{Size: c.size}, &Settings{MaxMessage: c.limit}), c.want)
		})
	}
}
