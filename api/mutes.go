package api

// Forever is the duration of a mute without end, in seconds, and also the end
// that is shown for it, in Unix seconds.
const Forever = 4294967295

// ForbidSendMsgRequest mutes up to 500 members in a group, or ends their mutes
// (document 1047/34951).
type ForbidSendMsgRequest struct {
	GroupId         string
	Members_Account []string
	MuteTime        *uint32 `json:",omitempty"` // seconds from now, 0 ends a mute
	ShutUpTime      *uint32 `json:",omitempty"` // older name of MuteTime
	TopicId         string  `json:",omitempty"`
}

// Seconds returns the duration of the mute under either of its names, and
// whether one was given. 0 ends a mute, Forever has no end.
func (r ForbidSendMsgRequest) Seconds() (uint32, bool) { return firstOf(r.MuteTime, r.ShutUpTime) }

// ForbidSendMsgResponse has nothing of its own.
type ForbidSendMsgResponse struct{ Answer }

// GetGroupMutedAccountRequest asks who is muted in a group (document
// 1047/34964).
type GetGroupMutedAccountRequest struct {
	GroupId string
	TopicId string `json:",omitempty"`
}

// GetGroupMutedAccountResponse lists those who are muted by name. It answers
// get_group_muted_account and the older get_group_shutted_uin, which has the
// second list. A mute of the whole group does not show here.
type GetGroupMutedAccountResponse struct {
	Answer
	GroupId          string
	MutedAccountList []MutedAccount
	ShuttedUinList   []ShuttedUin
}

// NewMutedAccounts returns a successful answer with both lists filled alike.
func NewMutedAccounts(groupID string, muted []MutedAccount) GetGroupMutedAccountResponse {
	r := GetGroupMutedAccountResponse{
		Answer:           NewAnswer(CodeOK, ""),
		GroupId:          groupID,
		MutedAccountList: make([]MutedAccount, len(muted)),
		ShuttedUinList:   make([]ShuttedUin, len(muted)),
	}
	for i, m := range muted {
		r.MutedAccountList[i] = m
		r.ShuttedUinList[i] = ShuttedUin{m.Member_Account, m.MutedUntil}
	}
	return r
}

// Muted returns the list under either of its names.
func (r GetGroupMutedAccountResponse) Muted() []MutedAccount {
	if len(r.MutedAccountList) > 0 || len(r.ShuttedUinList) == 0 {
		return r.MutedAccountList
	}
	muted := make([]MutedAccount, len(r.ShuttedUinList))
	for i, s := range r.ShuttedUinList {
		muted[i] = MutedAccount{s.Member_Account, s.ShuttedUntil}
	}
	return muted
}

// MutedAccount is a muted member.
type MutedAccount struct {
	Member_Account string
	MutedUntil     int64 // Unix seconds, Forever for good
}

// ShuttedUin is the older form of MutedAccount.
type ShuttedUin struct {
	Member_Account string
	ShuttedUntil   int64 // Unix seconds, Forever for good
}

// SetNoSpeakingRequest mutes an account in all its groups, in all its
// one-to-one chats or in both (document 1047/34923). At least one time has to
// be given.
type SetNoSpeakingRequest struct {
	Set_Account            *string `json:",omitempty"`
	C2CmsgNospeakingTime   *uint32 `json:",omitempty"` // seconds from now, 0 ends it
	GroupmsgNospeakingTime *uint32 `json:",omitempty"` // seconds from now, 0 ends it
}

// SetNoSpeakingResponse has nothing of its own.
type SetNoSpeakingResponse struct{ Answer }

// GetNoSpeakingRequest asks for the mutes of an account (document 1047/34924).
type GetNoSpeakingRequest struct {
	Get_Account *string `json:",omitempty"`
}

// GetNoSpeakingResponse tells how long an account is still muted.
type GetNoSpeakingResponse struct {
	Answer
	C2CmsgNospeakingTime   uint32 // seconds that remain, 0 for not muted, or Forever
	GroupmsgNospeakingTime uint32 // seconds that remain, 0 for not muted, or Forever
}
