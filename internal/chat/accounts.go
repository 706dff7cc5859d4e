package chat

import (
	"context"
	"errors"
	"time"

	"github.com/parley-im/parley/api"
)

// MaxAccounts is the most accounts one call imports, checks or deletes.
const MaxAccounts = 100

// Bounds of an account's profile, in bytes of UTF-8.
const (
	maxNick        = 500
	maxAccountFace = 500
)

// AccountSpec is an account to be imported. In a repeated import, nil keeps
// what is there and anything else replaces it.
type AccountSpec struct {
	User          UserID // 1 to 32 bytes of printable ASCII
	Nick, FaceURL *string
}

func (s *AccountSpec) check() *Refusal {
	switch {
	case !printable(string(s.User), maxUserID):
		return Fail(api.CodeAccountParameter, "UserID must be 1 to 32 printable characters")
	case len(value(s.Nick)) > maxNick:
		return Fail(api.CodeAccountParameter, "Nick is too long")
	case len(value(s.FaceURL)) > maxAccountFace:
		return Fail(api.CodeAccountParameter, "FaceUrl is too long")
	}
	return nil
}

// ImportAccount makes an account, or changes the profile of the one that is
// there. Code: 70402 for a field out of range.
func (b *Backend) ImportAccount(ctx context.Context, app AppID, spec AccountSpec) error {
	if refusal := spec.check(); refusal != nil {
		return refusal
	}
	_, err := b.ImportAccounts(ctx, app, []AccountSpec{spec})
	return err
}

// ImportAccounts imports up to MaxAccounts accounts and returns those that
// were out of range; the others are there. Code: 70402 for none or too many.
func (b *Backend) ImportAccounts(ctx context.Context, app AppID, specs []AccountSpec) (failed []UserID, err error) {
	if len(specs) == 0 || len(specs) > MaxAccounts {
		return nil, Fail(api.CodeAccountParameter, "1 to 100 accounts are required")
	}
	now := b.Now().Unix()
	err = b.Change(ctx, app, func(r Records) error {
		for _, s := range specs {
			if s.check() != nil {
				failed = append(failed, s.User)
				continue
			}
			a, ok, err := r.Account(s.User)
			if err != nil {
				return err
			}
			if !ok {
				a = Account{User: s.User, CreateTime: now}
			}
			set(&a.Nick, s.Nick)
			set(&a.FaceURL, s.FaceURL)
			if err := r.PutAccount(a); err != nil {
				return err
			}
		}
		return nil
	})
	return failed, err
}

// CheckAccounts tells of each user whether it is an account, in the order
// given. Code: 70402 for none or more than MaxAccounts.
func (b *Backend) CheckAccounts(ctx context.Context, app AppID, users []UserID) ([]bool, error) {
	if len(users) == 0 || len(users) > MaxAccounts {
		return nil, Fail(api.CodeAccountParameter, "1 to 100 accounts are required")
	}
	found := make([]bool, len(users))
	for i, user := range users {
		ok, err := b.accountExists(ctx, app, user)
		if err != nil {
			return nil, err
		}
		found[i] = ok
	}
	return found, nil
}

// DeleteAccounts deletes accounts with their memberships and mutes, and tells
// of each how it went, in the order given: nil, 70107 for who is no account,
// 71000 for an admin of the app, who stays one whatever is imported. Groups
// they own go on without an owner. What they said until now is blanked in the
// background (see [Records.DeleteAccount]). Code: 70402 for none or more than
// MaxAccounts.
func (b *Backend) DeleteAccounts(ctx context.Context, app AppID, by Actor, users []UserID) ([]*Refusal, error) {
	if len(users) == 0 || len(users) > MaxAccounts {
		return nil, Fail(api.CodeAccountParameter, "1 to 100 accounts are required")
	}
	now := b.Now()
	results := make([]*Refusal, len(users))
	err := b.Change(ctx, app, func(r Records) error {
		n := Notice{Kind: NoticeDeletedOut, Operator: by.User, Time: now.UnixMilli()}
		for i, user := range users {
			err := deleteAccount(r, by, user, now)
			if !errors.As(err, &results[i]) && err != nil {
				return err
			}
			if err == nil {
				n.Users = append(n.Users, user)
			}
		}
		if len(n.Users) > 0 {
			tell(r, n)
		}
		return nil
	})
	return results, err
}

// maxDepartures is of how many of his groups a deleted account's leaving is
// told; the members of others see it when they ask.
const maxDepartures = 100

func deleteAccount(r Records, by Actor, user UserID, now time.Time) error {
	a, _, err := r.App()
	if err != nil {
		return err
	}
	if a.IsAdmin(user) {
		return Fail(api.CodeAccountDeletionUnavailable, "an admin of the app can not be deleted")
	}
	_, ok, err := r.Account(user)
	if err != nil {
		return err
	}
	if !ok {
		return Fail(api.CodeAccountMissing)
	}
	groups, err := r.Joined(user)
	if err != nil {
		return err
	}
	for i := range groups {
		g := groups[i].Group
		if g.Owner == user {
			if err := passOn(r, by, g, "", now); err != nil {
				return err
			}
		}
		if i < maxDepartures {
			n := by.about(NoticeLeft, &g, now)
			n.Users, n.Kicked = []UserID{user}, true
			tell(r, n)
		}
	}
	return r.DeleteAccount(user)
}
