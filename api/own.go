package api

// The words of JoinedStatus.
const (
	JoinedSuccess    = "JoinedSuccess"
	WaitAdminApprove = "WaitAdminApproval"
)

// The words of HandleMsg.
const (
	ApplicationAgreed   = "Agree"
	ApplicationRejected = "Reject"
)

// ApplyJoinGroupRequest asks for the user to be let into a group. Asking again
// while the application waits replaces its text.
type ApplyJoinGroupRequest struct {
	GroupId  string
	ApplyMsg string `json:",omitempty"` // at most 300 bytes
}

// ApplyJoinGroupResponse tells whether the user is a member now.
type ApplyJoinGroupResponse struct {
	Answer
	JoinedStatus string // JoinedSuccess, or WaitAdminApprove until owner or an admin decide
}

// GetGroupApplicationListRequest asks who waits to be let in.
type GetGroupApplicationListRequest struct {
	GroupId string `json:",omitempty"` // empty: all groups that the user is owner or admin of
}

// GetGroupApplicationListResponse has the applications of each group, oldest
// first: at most 100 of one group and 1000 in all.
type GetGroupApplicationListResponse struct {
	Answer
	ApplicationList []GroupApplication
}

// GroupApplication is one that waits to be let into a group.
type GroupApplication struct {
	GroupId           string
	Applicant_Account string
	ApplyMsg          string
	Time              int64 // Unix seconds
}

// HandleApplyJoinGroupRequest ends an application.
type HandleApplyJoinGroupRequest struct {
	GroupId           string
	Applicant_Account string
	HandleMsg         string // ApplicationAgreed or ApplicationRejected
	ApprovalMsg       string `json:",omitempty"` // told to the applicant, at most 300 bytes
}

// HandleApplyJoinGroupResponse has nothing of its own.
type HandleApplyJoinGroupResponse struct{ Answer }

// QuitGroupRequest takes the user out of a group.
type QuitGroupRequest struct{ GroupId string }

// QuitGroupResponse has nothing of its own.
type QuitGroupResponse struct{ Answer }

// MsgReadRequest notes how far the user has read.
type MsgReadRequest struct {
	GroupId      string
	MsgReadedSeq uint64 // never falls; above the newest message it is that one
}

// MsgReadResponse tells what is noted now.
type MsgReadResponse struct {
	Answer
	MsgReadedSeq uint64
}

// GetSelfMuteRequest asks what keeps the user from sending to a group.
type GetSelfMuteRequest struct{ GroupId string }

// GetSelfMuteResponse tells each of the mutes that concern the user.
type GetSelfMuteResponse struct {
	Answer
	MuteUntil        int64  // in the group: Unix seconds, 0 for not muted, Forever for good
	AccountMuteUntil int64  // in all groups, likewise
	MuteAllMember    string // On or Off; On spares owner and admins
}
