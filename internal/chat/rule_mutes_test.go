package chat

import (
	"testing"
	"time"
)

func TestMuteRules(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 250_000_000)
	until := func(end int64, left time.Duration) *Refusal {
		return &Refusal{Code: 10017, Info: "sender is muted", Compared: map[string]any{"mute_until": end}, RetryAfter: left}
	}
	forever := &Refusal{Code: 10017, Info: "sender is muted", Compared: map[string]any{"mute_until": "forever"}}
	for name, c := range map[string]struct {
		end  int64
		want *Refusal
	}{
		"not muted":                {0, nil},
		"muted for a minute":       {1_700_000_060, until(1_700_000_060, 59*time.Second+750*time.Millisecond)},
		"muted for another bit":    {1_700_000_001, until(1_700_000_001, 750*time.Millisecond)},
		"ended by itself now":      {1_700_000_000, nil},
		"ended by itself before":   {1_699_999_999, nil},
		"muted without an end":     {Forever, forever},
		"longest mute with an end": {Forever - 1, until(Forever-1, time.Unix(Forever-1, 0).Sub(now))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, checkMemberMute(Standing{Member: true, Role: RoleMember, MuteUntil: c.end}, now), c.want)
			wantRefusal(t, checkMemberMute(Standing{MuteUntil: c.end}, now), c.want) // a mute outlives leaving
			wantRefusal(t, checkMemberMute(Standing{Member: true, Role: RoleOwner, MuteUntil: c.end}, now), c.want)
			wantRefusal(t, checkAccountMute(&Account{MuteUntil: c.end}, now), c.want)
			wantRefusal(t, checkAccountMute(&Account{MuteUntil: c.end, AdminOfApp: true}, now), c.want)
		})
	}
}

func TestMuteWithoutAnEndHoldsAfterItsNumberAsATime(t *testing.T) {
	t.Parallel()
	if checkMemberMute(Standing{MuteUntil: Forever}, time.Unix(Forever+1, 0)) == nil {
		t.Error("the mute ended")
	}
}

func TestMuteOfOneToOneMessagesIsNoMuteInGroups(t *testing.T) {
	t.Parallel()
	wantRefusal(t, checkAccountMute(&Account{C2CMute: Forever}, time.Unix(1, 0)), nil)
}

func TestAccountMuteOfWhoIsNoAccountIsNone(t *testing.T) {
	t.Parallel()
	wantRefusal(t, checkAccountMute(nil, time.Unix(1, 0)), nil)
}

func TestMuteAllRule(t *testing.T) {
	t.Parallel()
	muted := func(role string) *Refusal {
		return &Refusal{Code: 10017, Info: "sender is muted", Compared: map[string]any{"mute_all": true, "role": role}}
	}
	for name, c := range map[string]struct {
		muteAll  bool
		account  *Account
		standing Standing
		want     *Refusal
	}{
		"nobody is muted":             {false, &Account{}, Standing{Member: true, Role: RoleMember}, nil},
		"member":                      {true, &Account{}, Standing{Member: true, Role: RoleMember}, muted("Member")},
		"who is no member, over REST": {true, &Account{}, Standing{}, muted("NotMember")},
		"owner":                       {true, &Account{}, Standing{Member: true, Role: RoleOwner}, nil},
		"admin of the group":          {true, &Account{}, Standing{Member: true, Role: RoleAdmin}, nil},
		"admin of the app":            {true, &Account{AdminOfApp: true}, Standing{Member: true, Role: RoleMember}, nil},
		"admin of the app, no member": {true, &Account{AdminOfApp: true}, Standing{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, checkMuteAll(&Group{MuteAll: c.muteAll}, c.account, c.standing), c.want)
		})
	}
}
