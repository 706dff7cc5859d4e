package chat

import (
	"testing"
	"time"

	"github.com/parley-im/parley/api"
)

func TestFrequencyRules(t *testing.T) {
	t.Parallel()
	const left = 300 * time.Millisecond
	for name, c := range map[string]struct {
		usage usage
		over  bool
	}{
		"no limit":           {usage{}, false},
		"below":              {usage{Limit: 40, Count: 1, Left: left}, false},
		"the last one":       {usage{Limit: 40, Count: 40, Left: left}, false},
		"the first too many": {usage{Limit: 40, Count: 41, Left: left}, true},
		"limit of one":       {usage{Limit: 1, Count: 2, Left: left}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := func(code api.Code, info, scope string) *Refusal {
				if !c.over {
					return nil
				}
				return &Refusal{Code: code, Info: info, RetryAfter: left, Compared: map[string]any{"scope": scope, "count": c.usage.Count, "limit": c.usage.Limit}}
			}
			const tooOften = "msg count exceeds limit,please retry later"
			wantRefusal(t, checkFrequency("group", c.usage), want(10023, tooOften, "group"))
			wantRefusal(t, checkFrequency("sender", c.usage), want(10023, tooOften, "sender"))
			wantRefusal(t, checkAPIRate(c.usage), want(60007, "api call count exceeds limit,please retry later", "api"))
		})
	}
}
