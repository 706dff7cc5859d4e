package api

import (
	"slices"
	"strconv"
)

// Code is the ErrorCode of an answer or of an exception callback. The numbers
// and their meanings are those of Tencent Cloud Chat, document 1047/34348.
// A server may answer a number without a name here; Code holds it all the same.
type Code int

// The codes by name. Info tells the rest about each.
const (
	// Success.
	CodeOK Code = 0 // the call succeeded

	// Group service, 10001 to 11000.
	CodeAccountNotLoggedIn     Code = 10001 // the account has no session (vendor: get_members only)
	CodeInternal               Code = 10002 // the server failed, not the request
	CodeBadCommand             Code = 10003 // the group service has no such command
	CodeInvalidParameter       Code = 10004 // a field is missing, of the wrong type or out of range
	CodeTooManyAccounts        Code = 10005 // a list of accounts is longer than the command allows
	CodeOperationTooOften      Code = 10006 // a quota of an operation other than sending is used up
	CodePermissionDenied       Code = 10007 // the role, the missing membership or the group type forbids it
	CodeIllegalRequest         Code = 10008 // the request as a whole is not acceptable
	CodeOwnerMayNotQuit        Code = 10009 // the owner has to hand the group over first
	CodeGroupNotFound          Code = 10010 // there is no such group, or it was dissolved
	CodeGroupJSON              Code = 10011 // the group service could not read the body
	CodeInvalidOperator        Code = 10012 // the UserID of the caller is not usable
	CodeAlreadyMember          Code = 10013 // the account is in the group, nothing is left to do
	CodeGroupFull              Code = 10014 // the group has as many members as it may have
	CodeInvalidGroupID         Code = 10015 // the GroupId is malformed
	CodeRefusedByApp           Code = 10016 // the app's before-callback said no
	CodeMuted                  Code = 10017 // the sender, the account or the whole group is muted
	CodeResponseTooLarge       Code = 10018 // the answer would exceed 1 MB; ask for less
	CodeAccountNotFound        Code = 10019 // an account named in a group request was never imported
	CodeImportedMessageTooLong Code = 10020 // a message of import_group_msg exceeds the size limit
	CodeGroupIDInUse           Code = 10021 // another owner's group has this GroupId
	CodeSendTooOften           Code = 10023 // the group or the sender is over its message rate
	CodeAlreadyProcessed       Code = 10024 // the invitation or application was answered before
	CodeGroupIDOwned           Code = 10025 // the caller's own group has this GroupId
	CodeCommandDisabled        Code = 10026 // the app may not use the command
	CodeRecallNotFound         Code = 10030 // there is no message with this MsgSeq
	CodeRecallTooLate          Code = 10031 // the message is older than the recall limit
	CodeRecallDenied           Code = 10032 // this message is of a kind that stays
	CodeRecallNotForType       Code = 10033 // groups of this type recall nothing
	CodeDeleteMessageDenied    Code = 10034 // this message is of a kind that stays
	CodeDeleteNotForType       Code = 10035 // groups of this type delete no messages
	CodeTooManyAVChatRooms     Code = 10036 // the app has as many AVChatRooms as it may have
	CodeTooManyGroups          Code = 10037 // the account is in as many groups as it may be
	CodeMemberLimit            Code = 10038 // the asked member limit is above the app's own
	CodeRecallDisabled         Code = 10041 // the app switched recalling off
	CodeNoHistory              Code = 10044 // groups of this type keep no messages
	CodeAttributeConflict      Code = 10056 // another writer was faster; read, then write again
	CodeTooManyAt              Code = 10053 // GroupAtInfo names more than 30 targets
	CodeMemberPageTooLarge     Code = 10054 // ask for fewer members at once
	CodeTrialGroupLimit        Code = 10058 // the app has as many groups as it may have
	CodeNeedsHigherEdition     Code = 10059 // the app's edition lacks the function
	CodeReceiptGroupTooLarge   Code = 10060 // send without NeedReadReceipt
	CodeReceiptOnlineOnly      Code = 10061 // send without NeedReadReceipt or without OnlineOnlyFlag
	CodeReceiptNotFound        Code = 10062 // the message has no read receipt
	CodeTooManyCounters        Code = 10063 // the group has as many counter keys as it may have
	CodeTooManyPinned          Code = 10070 // the group has as many pinned messages as it may have
	CodeAlreadyPinned          Code = 10071 // nothing is left to do
	CodeCommunityDisabled      Code = 11000 // the app may not use Community groups

	// REST gateway, 60002 to 60028.
	CodeHTTPParse          Code = 60002 // the URL, the method or the HTTP message is not usable
	CodeJSONParse          Code = 60003 // the body is not a JSON object
	CodeGatewayAccount     Code = 60004 // the account in the URL or body is wrong
	CodeGatewayUserSig     Code = 60005 // the UserSig in the URL is wrong
	CodeInvalidSDKAppID    Code = 60006 // the sdkappid is not a usable number
	CodeTooManyCalls       Code = 60007 // the command is called more often than the app may
	CodeServiceTimeout     Code = 60008 // the service was too busy to answer in time
	CodeUnknownCommand     Code = 60009 // the URL names no command of this server
	CodeNotAdmin           Code = 60010 // only an admin of the app may call the REST API
	CodeAppTooManyCalls    Code = 60011 // the app as a whole calls too often
	CodeNoSDKAppID         Code = 60012 // the URL lacks sdkappid
	CodeBackendAnswer      Code = 60013 // the service behind the gateway answered rubbish
	CodeGatewayTimeout     Code = 60014 // the account check took too long
	CodeUserIDNotString    Code = 60015 // a UserID of the body is no string
	CodeAppDisabled        Code = 60016 // the sdkappid was switched off
	CodeRequestDisabled    Code = 60017 // the app may not make this request
	CodeRequestTooOften    Code = 60018 // too many requests in a short time
	CodeRequestTooOftenOld Code = 60019 // older form of 60018
	CodeServiceUnavailable Code = 60020 // the service is not, or no longer, booked
	CodeIPNotAllowed       Code = 60021 // the caller's address is not on the app's list
	CodeURLParameter       Code = 60025 // sdkappid, identifier, usersig or contenttype is wrong in the URL
	CodeWrongSite          Code = 60026 // call the host of the app's own region
	CodeProductNotAllowed  Code = 60027 // the app was made for another product
	CodeTrialVolume        Code = 60028 // the app used up its volume of 24 hours

	// UserSig and accounts, 70001 to 71000.
	CodeUserSigExpired             Code = 70001 // get a new UserSig and come again
	CodeUserSigEmpty               Code = 70002 // a UserSig is needed
	CodeUserSigMalformed           Code = 70003 // the UserSig cannot be decoded
	CodeUserSigIllegal             Code = 70005 // older form of 70003
	CodeUserSigWrongKey            Code = 70009 // the UserSig was not made with the app's key
	CodeUserSigWrongUser           Code = 70013 // the UserID inside differs from the one in the request
	CodeUserSigWrongApp            Code = 70014 // the sdkappid inside differs from the one in the request
	CodeUserSigNoKey               Code = 70016 // the server cannot check any UserSig of the app
	CodeAppNotFound                Code = 70020 // the server has no such app
	CodeUserSigTooManyFailures     Code = 70050 // wait a minute, then come with a good UserSig
	CodeAccountBlocked             Code = 70051 // the account is on the blocklist
	CodeUserSigRevoked             Code = 70052 // the UserSig was made void; get a new one
	CodeAccountMissing             Code = 70107 // the account was never imported
	CodeAccountTimeout             Code = 70169 // the account service took too long
	CodeAccountStoreTimeout        Code = 70202 // as 70169, from its store
	CodeAccountLimit               Code = 70398 // the app has as many accounts as it may have
	CodeAccountRecentlyDeleted     Code = 70399 // a deleted account cannot be imported again so soon
	CodeAccountParameter           Code = 70402 // a field is wrong or the UserID is illegal
	CodeAccountNotAdmin            Code = 70403 // the account service serves admins only
	CodeClientTooOld               Code = 70404 // the client has to be updated
	CodeAccountInternal            Code = 70500 // the account service failed, not the request
	CodeAccountDeletionUnavailable Code = 71000 // accounts of this app cannot be deleted

	// Common to all sends, 80001 to 80005.
	CodeSensitiveText      Code = 80001 // the text contains a filter word
	CodeMessageTooLong     Code = 80002 // the message exceeds the size limit
	CodeBeforeSendFailed   Code = 80003 // the before-send question failed and the app chose not to deliver
	CodeSensitiveImage     Code = 80004 // the image was found unfit
	CodeServiceDeactivated Code = 80005 // the app's service was stopped

	// Account-wide mutes, 130001 to 130014.
	CodeMuteJSON         Code = 130001 // the body of a mute command is not a JSON object
	CodeMuteGetMissing   Code = 130002 // getnospeaking needs Get_Account
	CodeMuteGetInvalid   Code = 130003 // Get_Account is no usable UserID
	CodeMuteSetMissing   Code = 130004 // setnospeaking needs Set_Account
	CodeMuteSetInvalid   Code = 130005 // Set_Account is no usable UserID
	CodeMuteTimesMissing Code = 130008 // setnospeaking needs at least one of its two times
	CodeMuteInternal     Code = 130014 // the mute service failed, not the request

	// The range an app may choose from in its answer to a before-send question;
	// the sender sees the number and the text as the app gave them.
	CodeCustomFirst Code = 10100 // lowest code of the app's own
	CodeCustomLast  Code = 10200 // highest code of the app's own
)

// Texts of ErrorInfo that replace the default of their code where the fault is
// known more closely. The first three go with CodeInvalidParameter, the last
// two with CodeSensitiveText and are followed by the word that was found.
const (
	InfoGroupNameTooLong    = "group name is too long"
	InfoIntroductionTooLong = "introduction is too long"
	InfoUndefinedKey        = "all defined key is invalid"
	InfoDirtyMessage        = "message has dirty word: "
	InfoDirtyGroupInfo      = "group info secure check fail! beat word: "
)

// Class is the reason of a refused send in the sense of the callback
// Group.CallbackSendMsgException (Tencent Cloud Chat, document 1047/49462).
type Class string

// The four classes that document names, and the absence of one.
const (
	ClassNone          Class = "none"           // a reason outside the four
	ClassBadParameter  Class = "bad_parameter"  // the request is wrong, for example its group does not exist
	ClassFrequency     Class = "frequency"      // a rate limit was exceeded
	ClassContentFilter Class = "content_filter" // the content was found unfit
	ClassMuted         Class = "muted"          // the sender may not speak now
)

// Advice is what a code asks of the client that receives it.
type Advice string

// The advices.
const (
	AdviceNone      Advice = "none"      // nothing: the wanted state is already there
	AdviceFix       Advice = "fix"       // change the request; as it is, it will fail again
	AdviceWait      Advice = "wait"      // send it again unchanged, but only later (see Error.RetryAfter)
	AdviceRetry     Advice = "retry"     // send it again unchanged after a short pause
	AdviceReconnect Advice = "reconnect" // log in again with a new UserSig, then send it again
	AdviceGiveUp    Advice = "give_up"   // neither waiting nor changing the request helps; somebody has to decide
)

// CodeInfo is what is known of a code.
type CodeInfo struct {
	Code   Code
	Name   string // stable snake_case word for logs and metric labels
	Class  Class  // never empty
	Advice Advice // never empty
	Text   string // default ErrorInfo; empty for CodeOK alone
}

// IsCustom reports whether c lies in the range of codes that an app may choose
// in its answer to a before-send question.
func (c Code) IsCustom() bool { return c >= CodeCustomFirst && c <= CodeCustomLast }

// Info returns what is known of c, and false for a code that is not listed.
// All codes of the app's own range share one name, so that the number of names
// stays bounded.
func (c Code) Info() (CodeInfo, bool) {
	if c.IsCustom() {
		return CodeInfo{c, "refused_by_app_custom", ClassNone, AdviceGiveUp, "refused by the app backend"}, true
	}
	i, ok := slices.BinarySearchFunc(codeTable, c, func(info CodeInfo, c Code) int { return int(info.Code - c) })
	if !ok {
		return CodeInfo{}, false
	}
	return codeTable[i], true
}

// String returns the number followed by the name, or the number alone when c
// has no name.
func (c Code) String() string {
	number := strconv.Itoa(int(c))
	if info, ok := c.Info(); ok {
		return number + " " + info.Name
	}
	return number
}

// Codes returns all named codes in ascending order, without the app's own
// range. The slice is the caller's.
func Codes() []CodeInfo { return slices.Clone(codeTable) }

// codeTable is sorted by code, which Info relies on.
var codeTable = []CodeInfo{
	{CodeOK, "ok", ClassNone, AdviceNone, ""},
	{CodeAccountNotLoggedIn, "account_not_logged_in", ClassNone, AdviceReconnect, "account is not logged in"},
	{CodeInternal, "internal", ClassNone, AdviceRetry, "internal error"},
	{CodeBadCommand, "bad_command", ClassBadParameter, AdviceFix, "unknown group command"},
	{CodeInvalidParameter, "invalid_parameter", ClassBadParameter, AdviceFix, "invalid parameter"},
	{CodeTooManyAccounts, "too_many_accounts", ClassBadParameter, AdviceFix, "too many accounts in one request"},
	{CodeOperationTooOften, "operation_too_often", ClassFrequency, AdviceWait, "operation is too frequent,please retry later"},
	{CodePermissionDenied, "permission_denied", ClassBadParameter, AdviceGiveUp, "permission denied"},
	{CodeIllegalRequest, "illegal_request", ClassBadParameter, AdviceFix, "illegal request"},
	{CodeOwnerMayNotQuit, "owner_may_not_quit", ClassNone, AdviceFix, "group owner may not quit"},
	{CodeGroupNotFound, "group_not_found", ClassBadParameter, AdviceFix, "this group does not exist"},
	{CodeGroupJSON, "group_json", ClassBadParameter, AdviceFix, "group request is not valid json"},
	{CodeInvalidOperator, "invalid_operator", ClassBadParameter, AdviceFix, "invalid operator account"},
	{CodeAlreadyMember, "already_member", ClassNone, AdviceNone, "account is already a group member"},
	{CodeGroupFull, "group_full", ClassNone, AdviceGiveUp, "group is full"},
	{CodeInvalidGroupID, "invalid_group_id", ClassBadParameter, AdviceFix, "invalid group id"},
	{CodeRefusedByApp, "refused_by_app", ClassNone, AdviceGiveUp, "refused by the app backend"},
	{CodeMuted, "muted", ClassMuted, AdviceWait, "sender is muted"},
	{CodeResponseTooLarge, "response_too_large", ClassBadParameter, AdviceFix, "response is too large"},
	{CodeAccountNotFound, "account_not_found", ClassBadParameter, AdviceFix, "account does not exist"},
	{CodeImportedMessageTooLong, "imported_message_too_long", ClassBadParameter, AdviceFix, "imported message is too long"},
	{CodeGroupIDInUse, "group_id_in_use", ClassNone, AdviceFix, "group id has be used!"},
	{CodeSendTooOften, "send_too_often", ClassFrequency, AdviceWait, "msg count exceeds limit,please retry later"},
	{CodeAlreadyProcessed, "already_processed", ClassNone, AdviceNone, "request has already been processed"},
	{CodeGroupIDOwned, "group_id_owned", ClassNone, AdviceFix, "group id has be used by youself!"},
	{CodeCommandDisabled, "command_disabled", ClassNone, AdviceGiveUp, "command is disabled for this app"},
	{CodeRecallNotFound, "recall_not_found", ClassNone, AdviceFix, "message to recall does not exist"},
	{CodeRecallTooLate, "recall_too_late", ClassNone, AdviceGiveUp, "recall time limit exceeded"},
	{CodeRecallDenied, "recall_denied", ClassNone, AdviceGiveUp, "message can not be recalled"},
	{CodeRecallNotForType, "recall_not_for_type", ClassNone, AdviceGiveUp, "group type does not support recall"},
	{CodeDeleteMessageDenied, "delete_message_denied", ClassNone, AdviceGiveUp, "message can not be deleted"},
	{CodeDeleteNotForType, "delete_not_for_type", ClassNone, AdviceGiveUp, "group type does not support message deletion"},
	{CodeTooManyAVChatRooms, "too_many_avchatrooms", ClassNone, AdviceGiveUp, "too many avchatroom groups"},
	{CodeTooManyGroups, "too_many_groups", ClassNone, AdviceGiveUp, "account is in too many groups"},
	{CodeMemberLimit, "member_limit", ClassNone, AdviceFix, "member limit of the app exceeded"},
	{CodeRecallDisabled, "recall_disabled", ClassNone, AdviceGiveUp, "recall is disabled for this app"},
	{CodeNoHistory, "no_history", ClassNone, AdviceGiveUp, "group type does not store history"},
	{CodeTooManyAt, "too_many_at", ClassBadParameter, AdviceFix, "too many accounts are mentioned"},
	{CodeMemberPageTooLarge, "member_page_too_large", ClassNone, AdviceFix, "member page is too large"},
	{CodeAttributeConflict, "attribute_conflict", ClassNone, AdviceRetry, "group attribute was changed meanwhile"},
	{CodeTrialGroupLimit, "trial_group_limit", ClassNone, AdviceGiveUp, "group limit of the app reached"},
	{CodeNeedsHigherEdition, "needs_higher_edition", ClassNone, AdviceGiveUp, "function is not available for this app"},
	{CodeReceiptGroupTooLarge, "receipt_group_too_large", ClassBadParameter, AdviceFix, "group is too large for read receipts"},
	{CodeReceiptOnlineOnly, "receipt_online_only", ClassBadParameter, AdviceFix, "online message has no read receipt"},
	{CodeReceiptNotFound, "receipt_not_found", ClassNone, AdviceFix, "read receipt does not exist"},
	{CodeTooManyCounters, "too_many_counters", ClassNone, AdviceFix, "too many group counters"},
	{CodeTooManyPinned, "too_many_pinned", ClassNone, AdviceFix, "too many pinned messages"},
	{CodeAlreadyPinned, "already_pinned", ClassNone, AdviceNone, "message is already pinned"},
	{CodeCommunityDisabled, "community_disabled", ClassNone, AdviceGiveUp, "community groups are not enabled"},
	{CodeHTTPParse, "http_parse", ClassBadParameter, AdviceFix, "HTTP parse Error"},
	{CodeJSONParse, "json_parse", ClassBadParameter, AdviceFix, "json parse error"},
	{CodeGatewayAccount, "gateway_account", ClassNone, AdviceFix, "account check failed"},
	{CodeGatewayUserSig, "gateway_usersig", ClassNone, AdviceReconnect, "usersig check failed"},
	{CodeInvalidSDKAppID, "invalid_sdkappid", ClassNone, AdviceFix, "invalid sdkappid"},
	{CodeTooManyCalls, "too_many_calls", ClassFrequency, AdviceWait, "api call count exceeds limit,please retry later"},
	{CodeServiceTimeout, "service_timeout", ClassNone, AdviceRetry, "service timeout or request format error,please check and try again"},
	{CodeUnknownCommand, "unknown_command", ClassBadParameter, AdviceFix, "unknown service or command"},
	{CodeNotAdmin, "not_admin", ClassNone, AdviceGiveUp, "account is not an app admin"},
	{CodeAppTooManyCalls, "app_too_many_calls", ClassFrequency, AdviceWait, "request count of the app exceeds limit,please retry later"},
	{CodeNoSDKAppID, "no_sdkappid", ClassNone, AdviceFix, "sdkappid is missing"},
	{CodeBackendAnswer, "backend_answer", ClassNone, AdviceRetry, "service answer is not valid"},
	{CodeGatewayTimeout, "gateway_timeout", ClassNone, AdviceRetry, "account check timeout"},
	{CodeUserIDNotString, "userid_not_string", ClassBadParameter, AdviceFix, "userid must be a string"},
	{CodeAppDisabled, "app_disabled", ClassNone, AdviceGiveUp, "app is disabled"},
	{CodeRequestDisabled, "request_disabled", ClassNone, AdviceGiveUp, "request is disabled"},
	{CodeRequestTooOften, "request_too_often", ClassFrequency, AdviceWait, "request is too frequent,please retry later"},
	{CodeRequestTooOftenOld, "request_too_often_old", ClassFrequency, AdviceWait, "request is too frequent,try again later"},
	{CodeServiceUnavailable, "service_unavailable", ClassNone, AdviceGiveUp, "service is not available for this app"},
	{CodeIPNotAllowed, "ip_not_allowed", ClassNone, AdviceGiveUp, "source address is not allowed"},
	{CodeURLParameter, "url_parameter", ClassNone, AdviceFix, "url parameter is wrong"},
	{CodeWrongSite, "wrong_site", ClassNone, AdviceFix, "app belongs to another site"},
	{CodeProductNotAllowed, "product_not_allowed", ClassNone, AdviceGiveUp, "product is not allowed for this app"},
	{CodeTrialVolume, "trial_volume", ClassFrequency, AdviceWait, "daily volume of the app exceeded,please retry later"},
	{CodeUserSigExpired, "usersig_expired", ClassNone, AdviceReconnect, "usersig expired"},
	{CodeUserSigEmpty, "usersig_empty", ClassNone, AdviceFix, "usersig is empty"},
	{CodeUserSigMalformed, "usersig_malformed", ClassNone, AdviceFix, "usersig is malformed or truncated"},
	{CodeUserSigIllegal, "usersig_illegal", ClassNone, AdviceFix, "usersig is illegal"},
	{CodeUserSigWrongKey, "usersig_wrong_key", ClassNone, AdviceFix, "UserSig verification Failed. The UserSig in use maybe generated by Secret Key from other SDKAppID. Please regenerate UserSig by Secret Key from its own SDKAppID."},
	{CodeUserSigWrongUser, "usersig_wrong_user", ClassNone, AdviceFix, "usersig belongs to another user"},
	{CodeUserSigWrongApp, "usersig_wrong_app", ClassNone, AdviceFix, "usersig belongs to another sdkappid"},
	{CodeUserSigNoKey, "usersig_no_key", ClassNone, AdviceGiveUp, "app has no verification key"},
	{CodeAppNotFound, "app_not_found", ClassNone, AdviceFix, "sdkappid does not exist"},
	{CodeUserSigTooManyFailures, "usersig_too_many_failures", ClassNone, AdviceWait, "too many failed usersig checks,please retry later"},
	{CodeAccountBlocked, "account_blocked", ClassNone, AdviceGiveUp, "account is blocked"},
	{CodeUserSigRevoked, "usersig_revoked", ClassNone, AdviceReconnect, "usersig was invalidated"},
	{CodeAccountMissing, "account_missing", ClassNone, AdviceFix, "Err_TLS_PT_Open_Login_Account_Not_Exist"},
	{CodeAccountTimeout, "account_timeout", ClassNone, AdviceRetry, "account service timeout"},
	{CodeAccountStoreTimeout, "account_store_timeout", ClassNone, AdviceRetry, "account service timeout,please retry"},
	{CodeAccountLimit, "account_limit", ClassNone, AdviceGiveUp, "account limit of the app reached"},
	{CodeAccountRecentlyDeleted, "account_recently_deleted", ClassNone, AdviceGiveUp, "account was deleted recently"},
	{CodeAccountParameter, "account_parameter", ClassNone, AdviceFix, "invalid account parameter"},
	{CodeAccountNotAdmin, "account_not_admin", ClassNone, AdviceGiveUp, "app admin is required"},
	{CodeClientTooOld, "client_too_old", ClassNone, AdviceGiveUp, "client version is too old"},
	{CodeAccountInternal, "account_internal", ClassNone, AdviceRetry, "account service internal error"},
	{CodeAccountDeletionUnavailable, "account_deletion_unavailable", ClassNone, AdviceGiveUp, "account deletion is not available for this app"},
	{CodeSensitiveText, "sensitive_text", ClassContentFilter, AdviceFix, "message has dirty word"},
	{CodeMessageTooLong, "message_too_long", ClassBadParameter, AdviceFix, "message is too long"},
	{CodeBeforeSendFailed, "before_send_failed", ClassNone, AdviceRetry, "app backend did not answer"},
	{CodeSensitiveImage, "sensitive_image", ClassContentFilter, AdviceFix, "image is sensitive"},
	{CodeServiceDeactivated, "service_deactivated", ClassNone, AdviceGiveUp, "service is deactivated"},
	{CodeMuteJSON, "mute_json", ClassNone, AdviceFix, "json parse error"},
	{CodeMuteGetMissing, "mute_get_missing", ClassNone, AdviceFix, "Get_Account is missing"},
	{CodeMuteGetInvalid, "mute_get_invalid", ClassNone, AdviceFix, "Get_Account is invalid"},
	{CodeMuteSetMissing, "mute_set_missing", ClassNone, AdviceFix, "Set_Account is missing"},
	{CodeMuteSetInvalid, "mute_set_invalid", ClassNone, AdviceFix, "Set_Account is invalid"},
	{CodeMuteTimesMissing, "mute_times_missing", ClassNone, AdviceFix, "both mute times are missing"},
	{CodeMuteInternal, "mute_internal", ClassNone, AdviceRetry, "mute service internal error"},
}
