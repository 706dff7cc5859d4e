package api

import "context"

// The commands, each by its service and its name as they stand in the URL.
const (
	CommandAccountImport         = "im_open_login_svc/account_import"
	CommandMultiaccountImport    = "im_open_login_svc/multiaccount_import"
	CommandAccountDelete         = "im_open_login_svc/account_delete"
	CommandAccountCheck          = "im_open_login_svc/account_check"
	CommandKick                  = "im_open_login_svc/kick"
	CommandCreateGroup           = "group_open_http_svc/create_group"
	CommandDestroyGroup          = "group_open_http_svc/destroy_group"
	CommandGetGroupInfo          = "group_open_http_svc/get_group_info"
	CommandGetAppidGroupList     = "group_open_http_svc/get_appid_group_list"
	CommandModifyGroupBaseInfo   = "group_open_http_svc/modify_group_base_info"
	CommandChangeGroupOwner      = "group_open_http_svc/change_group_owner"
	CommandAddGroupMember        = "group_open_http_svc/add_group_member"
	CommandDeleteGroupMember     = "group_open_http_svc/delete_group_member"
	CommandGetGroupMemberInfo    = "group_open_http_svc/get_group_member_info"
	CommandModifyGroupMemberInfo = "group_open_http_svc/modify_group_member_info"
	CommandGetJoinedGroupList    = "group_open_http_svc/get_joined_group_list"
	CommandGetRoleInGroup        = "group_open_http_svc/get_role_in_group"
	CommandForbidSendMsg         = "group_open_http_svc/forbid_send_msg"
	CommandGetGroupMutedAccount  = "group_open_http_svc/get_group_muted_account"
	CommandGetGroupShuttedUin    = "group_open_http_svc/get_group_shutted_uin"
	CommandSetNoSpeaking         = "openconfigsvr/setnospeaking"
	CommandGetNoSpeaking         = "openconfigsvr/getnospeaking"
	CommandSendGroupMsg          = "group_open_http_svc/send_group_msg"
	CommandGroupMsgGetSimple     = "group_open_http_svc/group_msg_get_simple"
	CommandGroupMsgRecall        = "group_open_http_svc/group_msg_recall"
	CommandGetDirtyWords         = "openim_dirty_words/get"
	CommandAddDirtyWords         = "openim_dirty_words/add"
	CommandDeleteDirtyWords      = "openim_dirty_words/delete"
)

// What a user may do by his own connection besides the commands above, which go
// by the last part of their names there. None of these can be called over HTTP.
const (
	ClientApplyJoinGroup          = "client/apply_join_group"
	ClientGetGroupApplicationList = "client/get_group_application_list"
	ClientHandleApplyJoinGroup    = "client/handle_apply_join_group"
	ClientQuitGroup               = "client/quit_group"
	ClientMsgRead                 = "client/msg_read"
	ClientGetSelfMute             = "client/get_self_mute"
)

// Commands returns the names of all commands of this package, in the order of
// the list above.
func Commands() []string {
	return []string{
		CommandAccountImport,
		CommandMultiaccountImport,
		CommandAccountDelete,
		CommandAccountCheck,
		CommandKick,
		CommandCreateGroup,
		CommandDestroyGroup,
		CommandGetGroupInfo,
		CommandGetAppidGroupList,
		CommandModifyGroupBaseInfo,
		CommandChangeGroupOwner,
		CommandAddGroupMember,
		CommandDeleteGroupMember,
		CommandGetGroupMemberInfo,
		CommandModifyGroupMemberInfo,
		CommandGetJoinedGroupList,
		CommandGetRoleInGroup,
		CommandForbidSendMsg,
		CommandGetGroupMutedAccount,
		CommandGetGroupShuttedUin,
		CommandSetNoSpeaking,
		CommandGetNoSpeaking,
		CommandSendGroupMsg,
		CommandGroupMsgGetSimple,
		CommandGroupMsgRecall,
		CommandGetDirtyWords,
		CommandAddDirtyWords,
		CommandDeleteDirtyWords,
	}
}

// call makes the response of one command.
func call[R any, P interface {
	*R
	Response
}](ctx context.Context, c *Client, command string, request any) (R, error) {
	var response R
	err := c.Call(ctx, command, request, P(&response))
	return response, err
}

// AccountImport makes an account or changes its profile.
func (c *Client) AccountImport(ctx context.Context, r AccountImportRequest) (AccountImportResponse, error) {
	return call[AccountImportResponse](ctx, c, CommandAccountImport, r)
}

// MultiaccountImport makes up to 100 accounts.
func (c *Client) MultiaccountImport(ctx context.Context, r MultiaccountImportRequest) (MultiaccountImportResponse, error) {
	return call[MultiaccountImportResponse](ctx, c, CommandMultiaccountImport, r)
}

// AccountDelete deletes up to 100 accounts.
func (c *Client) AccountDelete(ctx context.Context, r AccountDeleteRequest) (AccountDeleteResponse, error) {
	return call[AccountDeleteResponse](ctx, c, CommandAccountDelete, r)
}

// AccountCheck tells which of up to 100 accounts exist.
func (c *Client) AccountCheck(ctx context.Context, r AccountCheckRequest) (AccountCheckResponse, error) {
	return call[AccountCheckResponse](ctx, c, CommandAccountCheck, r)
}

// Kick ends the connections of an account.
func (c *Client) Kick(ctx context.Context, r KickRequest) (KickResponse, error) {
	return call[KickResponse](ctx, c, CommandKick, r)
}

// CreateGroup makes a group.
func (c *Client) CreateGroup(ctx context.Context, r CreateGroupRequest) (CreateGroupResponse, error) {
	return call[CreateGroupResponse](ctx, c, CommandCreateGroup, r)
}

// DestroyGroup dissolves a group for good.
func (c *Client) DestroyGroup(ctx context.Context, r DestroyGroupRequest) (DestroyGroupResponse, error) {
	return call[DestroyGroupResponse](ctx, c, CommandDestroyGroup, r)
}

// GetGroupInfo shows up to 50 groups; each entry has an ErrorCode of its own.
func (c *Client) GetGroupInfo(ctx context.Context, r GetGroupInfoRequest) (GetGroupInfoResponse, error) {
	return call[GetGroupInfoResponse](ctx, c, CommandGetGroupInfo, r)
}

// GetAppidGroupList pages through the groups of the app.
func (c *Client) GetAppidGroupList(ctx context.Context, r GetAppidGroupListRequest) (GetAppidGroupListResponse, error) {
	return call[GetAppidGroupListResponse](ctx, c, CommandGetAppidGroupList, r)
}

// ModifyGroupBaseInfo changes a group's profile, or mutes the whole group.
func (c *Client) ModifyGroupBaseInfo(ctx context.Context, r ModifyGroupBaseInfoRequest) (ModifyGroupBaseInfoResponse, error) {
	return call[ModifyGroupBaseInfoResponse](ctx, c, CommandModifyGroupBaseInfo, r)
}

// ChangeGroupOwner hands a group over to one of its members.
func (c *Client) ChangeGroupOwner(ctx context.Context, r ChangeGroupOwnerRequest) (ChangeGroupOwnerResponse, error) {
	return call[ChangeGroupOwnerResponse](ctx, c, CommandChangeGroupOwner, r)
}

// AddGroupMember adds members; each has a Result of its own.
func (c *Client) AddGroupMember(ctx context.Context, r AddGroupMemberRequest) (AddGroupMemberResponse, error) {
	return call[AddGroupMemberResponse](ctx, c, CommandAddGroupMember, r)
}

// DeleteGroupMember removes members.
func (c *Client) DeleteGroupMember(ctx context.Context, r DeleteGroupMemberRequest) (DeleteGroupMemberResponse, error) {
	return call[DeleteGroupMemberResponse](ctx, c, CommandDeleteGroupMember, r)
}

// GetGroupMemberInfo pages through the members of a group.
func (c *Client) GetGroupMemberInfo(ctx context.Context, r GetGroupMemberInfoRequest) (GetGroupMemberInfoResponse, error) {
	return call[GetGroupMemberInfoResponse](ctx, c, CommandGetGroupMemberInfo, r)
}

// ModifyGroupMemberInfo changes one member.
func (c *Client) ModifyGroupMemberInfo(ctx context.Context, r ModifyGroupMemberInfoRequest) (ModifyGroupMemberInfoResponse, error) {
	return call[ModifyGroupMemberInfoResponse](ctx, c, CommandModifyGroupMemberInfo, r)
}

// GetJoinedGroupList lists the groups of an account.
func (c *Client) GetJoinedGroupList(ctx context.Context, r GetJoinedGroupListRequest) (GetJoinedGroupListResponse, error) {
	return call[GetJoinedGroupListResponse](ctx, c, CommandGetJoinedGroupList, r)
}

// GetRoleInGroup tells the roles of accounts in a group.
func (c *Client) GetRoleInGroup(ctx context.Context, r GetRoleInGroupRequest) (GetRoleInGroupResponse, error) {
	return call[GetRoleInGroupResponse](ctx, c, CommandGetRoleInGroup, r)
}

// ForbidSendMsg mutes members in a group or ends their mutes.
func (c *Client) ForbidSendMsg(ctx context.Context, r ForbidSendMsgRequest) (ForbidSendMsgResponse, error) {
	return call[ForbidSendMsgResponse](ctx, c, CommandForbidSendMsg, r)
}

// GetGroupMutedAccount lists the muted members of a group.
func (c *Client) GetGroupMutedAccount(ctx context.Context, r GetGroupMutedAccountRequest) (GetGroupMutedAccountResponse, error) {
	return call[GetGroupMutedAccountResponse](ctx, c, CommandGetGroupMutedAccount, r)
}

// GetGroupShuttedUin is GetGroupMutedAccount under its older name.
func (c *Client) GetGroupShuttedUin(ctx context.Context, r GetGroupMutedAccountRequest) (GetGroupMutedAccountResponse, error) {
	return call[GetGroupMutedAccountResponse](ctx, c, CommandGetGroupShuttedUin, r)
}

// SetNoSpeaking mutes an account everywhere or ends that.
func (c *Client) SetNoSpeaking(ctx context.Context, r SetNoSpeakingRequest) (SetNoSpeakingResponse, error) {
	return call[SetNoSpeakingResponse](ctx, c, CommandSetNoSpeaking, r)
}

// GetNoSpeaking tells how long an account is still muted everywhere.
func (c *Client) GetNoSpeaking(ctx context.Context, r GetNoSpeakingRequest) (GetNoSpeakingResponse, error) {
	return call[GetNoSpeakingResponse](ctx, c, CommandGetNoSpeaking, r)
}

// SendGroupMsg sends a message to a group.
func (c *Client) SendGroupMsg(ctx context.Context, r SendGroupMsgRequest) (SendGroupMsgResponse, error) {
	return call[SendGroupMsgResponse](ctx, c, CommandSendGroupMsg, r)
}

// GroupMsgGetSimple reads the history of a group, newest first.
func (c *Client) GroupMsgGetSimple(ctx context.Context, r GroupMsgGetSimpleRequest) (GroupMsgGetSimpleResponse, error) {
	return call[GroupMsgGetSimpleResponse](ctx, c, CommandGroupMsgGetSimple, r)
}

// GroupMsgRecall takes messages back; each has a RetCode of its own.
func (c *Client) GroupMsgRecall(ctx context.Context, r GroupMsgRecallRequest) (GroupMsgRecallResponse, error) {
	return call[GroupMsgRecallResponse](ctx, c, CommandGroupMsgRecall, r)
}

// GetDirtyWords lists the filter words of the app.
func (c *Client) GetDirtyWords(ctx context.Context, r GetDirtyWordsRequest) (GetDirtyWordsResponse, error) {
	return call[GetDirtyWordsResponse](ctx, c, CommandGetDirtyWords, r)
}

// AddDirtyWords adds filter words.
func (c *Client) AddDirtyWords(ctx context.Context, r AddDirtyWordsRequest) (AddDirtyWordsResponse, error) {
	return call[AddDirtyWordsResponse](ctx, c, CommandAddDirtyWords, r)
}

// DeleteDirtyWords removes filter words.
func (c *Client) DeleteDirtyWords(ctx context.Context, r DeleteDirtyWordsRequest) (DeleteDirtyWordsResponse, error) {
	return call[DeleteDirtyWordsResponse](ctx, c, CommandDeleteDirtyWords, r)
}
