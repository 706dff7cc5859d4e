package chat

import "testing"

func TestFormatRule(t *testing.T) {
	t.Parallel()
	mentions := func(n int) []Mention { return make([]Mention, n) }
	all := []Mention{{User: "u"}, {All: true}}
	noAll := &Refusal{Code: 10004, Info: "GroupAtInfo cannot mention all in an AVChatRoom", Compared: map[string]any{"type": "AVChatRoom"}}
	noTargets := func(typ string) *Refusal {
		return &Refusal{Code: 10007, Info: "To_Account is not supported in this group type", Compared: map[string]any{"type": typ}}
	}
	tooMany := &Refusal{Code: 10053, Info: "too many accounts are mentioned", Compared: map[string]any{"count": 31, "limit": 30}}
	for name, c := range map[string]struct {
		send  Send
		group GroupType
		maxAt int
		want  *Refusal
	}{
		"plain":                        {Send{}, Public, 30, nil},
		"30 mentions":                  {Send{Mentions: mentions(30)}, Public, 30, nil},
		"31 mentions":                  {Send{Mentions: mentions(31)}, Public, 30, tooMany},
		"31 mentions in an AVChatRoom": {Send{Mentions: append(mentions(30), Mention{All: true})}, AVChatRoom, 30, tooMany},
		"any number of mentions":       {Send{Mentions: mentions(1000)}, Public, 0, nil},
		"everybody":                    {Send{Mentions: all}, Public, 30, nil},
		"everybody of a community":     {Send{Mentions: all}, Community, 30, nil},
		"everybody in an AVChatRoom":   {Send{Mentions: all}, AVChatRoom, 30, noAll},
		"one user in an AVChatRoom":    {Send{Mentions: []Mention{{User: "u"}}}, AVChatRoom, 30, nil},
		"some receivers, Private":      {Send{To: []UserID{"u"}}, Private, 30, nil},
		"some receivers, Public":       {Send{To: []UserID{"u"}}, Public, 30, nil},
		"some receivers, ChatRoom":     {Send{To: []UserID{"u"}}, ChatRoom, 30, nil},
		"some receivers, AVChatRoom":   {Send{To: []UserID{"u"}}, AVChatRoom, 30, noTargets("AVChatRoom")},
		"some receivers, Community":    {Send{To: []UserID{"u"}}, Community, 30, noTargets("Community")},
		"online-only in an AVChatRoom": {Send{OnlineOnly: true}, AVChatRoom, 30, nil},
		"online-only in another group": {Send{OnlineOnly: true}, Private, 30, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, checkFormat(&c.send, &Group{Type: c.group}, &Settings{MaxAt: c.maxAt}), c.want)
		})
	}
}
