package chat

import "testing"

func TestGroupRule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		group   *Group
		missing int
		want    *Refusal
	}{
		"there is one":                    {&Group{ID: "g"}, 10010, nil},
		"none":                            {nil, 10010, &Refusal{Code: 10010, Info: "this group does not exist"}},
		"none, the app wants 10015":       {nil, 10015, &Refusal{Code: 10015, Info: "invalid group id"}},
		"none, the app wants what is not": {nil, 0, &Refusal{Code: 10010, Info: "this group does not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, checkGroup(c.group, &Settings{MissingGroup: c.missing}), c.want)
		})
	}
}
