package chat

import "github.com/parley-im/parley/api"

// checkSender refuses a sender who has no business in the group: over a client
// connection whoever is no member, over REST only who is no account of the app
// (a message for a non-member is delivered, document 1047/33526).
func checkSender(entry Entry, a *Account, standing Standing) *Refusal {
	if a == nil {
		return Fail(api.CodeAccountNotFound)
	}
	if entry == EntryClient && !standing.Member {
		return compared(Fail(api.CodePermissionDenied, "sender is not a group member"), "member", false)
	}
	return nil
}
