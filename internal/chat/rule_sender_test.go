package chat

import "testing"

func TestSenderRule(t *testing.T) {
	t.Parallel()
	account, member := &Account{User: "u"}, Standing{Member: true, Role: RoleMember}
	noAccount := &Refusal{Code: 10019, Info: "account does not exist"}
	for name, c := range map[string]struct {
		entry    Entry
		account  *Account
		standing Standing
		want     *Refusal
	}{
		"client, member":         {EntryClient, account, member, nil},
		"client, owner":          {EntryClient, account, Standing{Member: true, Role: RoleOwner}, nil},
		"client, no member":      {EntryClient, account, Standing{}, &Refusal{Code: 10007, Info: "sender is not a group member", Compared: map[string]any{"member": false}}},
		"client, left but muted": {EntryClient, account, Standing{MuteUntil: Forever}, &Refusal{Code: 10007, Info: "sender is not a group member", Compared: map[string]any{"member": false}}},
		"client, no account":     {EntryClient, nil, member, noAccount},
		"client, admin of the app but no member": {EntryClient, &Account{User: "u", AdminOfApp: true}, Standing{},
			&Refusal{Code: 10007, Info: "sender is not a group member", Compared: map[string]any{"member": false}}},
		"REST, member":     {EntryREST, account, member, nil},
		"REST, no member":  {EntryREST, account, Standing{}, nil},
		"REST, no account": {EntryREST, nil, Standing{}, noAccount},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, checkSender(c.entry, c.account, c.standing), c.want)
		})
	}
}
