package callback

import (
	"maps"
	"slices"
)

// Command is the value of CallbackCommand: what a callback is about.
type Command string

// Commands about groups (Tencent Cloud Chat, document 1047/34355).
const (
	CmdGroupSendMsgException        Command = "Group.CallbackSendMsgException"        // a group message was not delivered
	CmdGroupBeforeSendMsg           Command = "Group.CallbackBeforeSendMsg"           // may this message be delivered?
	CmdGroupAfterSendMsg            Command = "Group.CallbackAfterSendMsg"            // a message was delivered
	CmdGroupAfterRecallMsg          Command = "Group.CallbackAfterRecallMsg"          // messages were recalled
	CmdGroupAfterReadReceipt        Command = "Group.CallbackAfterReadReceipt"        // a read receipt was asked for or given
	CmdGroupAfterGroupMsgExtension  Command = "Group.CallbackAfterGroupMsgExtension"  // a message's extensions changed
	CmdGroupBeforeCreateGroup       Command = "Group.CallbackBeforeCreateGroup"       // may this group be created?
	CmdGroupAfterCreateGroup        Command = "Group.CallbackAfterCreateGroup"        // a group was created
	CmdGroupAfterGroupDestroyed     Command = "Group.CallbackAfterGroupDestroyed"     // a group was dissolved
	CmdGroupAfterGroupInfoChanged   Command = "Group.CallbackAfterGroupInfoChanged"   // a group's profile changed
	CmdGroupAfterGroupAttrChanged   Command = "Group.CallbackAfterGroupAttrChanged"   // a group's attributes changed
	CmdGroupAfterChangeGroupOwner   Command = "Group.CallbackAfterChangeGroupOwner"   // a group has another owner
	CmdGroupAfterGroupFull          Command = "Group.CallbackAfterGroupFull"          // a group is full
	CmdGroupBeforeApplyJoinGroup    Command = "Group.CallbackBeforeApplyJoinGroup"    // may this user apply to join?
	CmdGroupBeforeInviteJoinGroup   Command = "Group.CallbackBeforeInviteJoinGroup"   // may these users be added?
	CmdGroupAfterNewMemberJoin      Command = "Group.CallbackAfterNewMemberJoin"      // members joined
	CmdGroupAfterMemberExit         Command = "Group.CallbackAfterMemberExit"         // members left or were removed
	CmdGroupAfterMemberFieldChanged Command = "Group.CallbackAfterMemberFieldChanged" // a member's profile in a group changed
	CmdGroupOnMemberStateChange     Command = "Group.CallbackOnMemberStateChange"     // audience of a live group came or went
	CmdGroupBeforeCreateTopic       Command = "Group.CallbackBeforeCreateTopic"       // may this topic be created?
	CmdGroupAfterCreateTopic        Command = "Group.CallbackAfterCreateTopic"        // a topic was created
	CmdGroupAfterTopicDestroyed     Command = "Group.CallbackAfterTopicDestroyed"     // topics were removed
	CmdGroupAfterTopicInfoChanged   Command = "Group.CallbackAfterTopicInfoChanged"   // a topic's profile changed
	CmdGroupOnDailyGroupQuotaAlarm  Command = "Group.CallbackOnDailyGroupQuotaAlarm"  // the day's new groups near the quota
)

// Commands about accounts, friends, one-to-one messages and the service.
const (
	CmdStateChange              Command = "State.StateChange"                // a user went online or offline
	CmdProfilePortraitSet       Command = "Profile.CallbackPortraitSet"      // a user profile changed
	CmdSnsPrevFriendAdd         Command = "Sns.CallbackPrevFriendAdd"        // may these friends be added?
	CmdSnsPrevFriendResponse    Command = "Sns.CallbackPrevFriendResponse"   // may these requests be answered?
	CmdSnsFriendAdd             Command = "Sns.CallbackFriendAdd"            // friends were added
	CmdSnsFriendDelete          Command = "Sns.CallbackFriendDelete"         // friends were removed
	CmdSnsBlackListAdd          Command = "Sns.CallbackBlackListAdd"         // users were blocked
	CmdSnsBlackListDelete       Command = "Sns.CallbackBlackListDelete"      // users were unblocked
	CmdFollowAfterFollowAdd     Command = "Follow.CallbackAfterFollowAdd"    // a user follows others
	CmdFollowAfterFollowDelete  Command = "Follow.CallbackAfterFollowDelete" // a user stopped following
	CmdC2CBeforeSendMsg         Command = "C2C.CallbackBeforeSendMsg"        // may this one-to-one message be delivered?
	CmdC2CAfterSendMsg          Command = "C2C.CallbackAfterSendMsg"         // a one-to-one message was delivered or failed
	CmdC2CAfterMsgReport        Command = "C2C.CallbackAfterMsgReport"       // one-to-one messages were read
	CmdC2CAfterMsgWithDraw      Command = "C2C.CallbackAfterMsgWithDraw"     // a one-to-one message was recalled
	CmdAlertRequestOverLimit    Command = "Alert.RequestOverLimit"           // REST calls near their limit
	CmdBotOnC2CMessage          Command = "Bot.OnC2CMessage"                 // a robot got a one-to-one message
	CmdBotOnGroupMessage        Command = "Bot.OnGroupMessage"               // a robot was mentioned in a group
	CmdChatbotOnC2CSignal       Command = "Chatbot.OnC2CSignalMessage"       // a robot got a signal
	CmdContentResultNotify      Command = "ContentCallback.ResultNotify"     // a content check has its result
	CmdPushAllMemberPush        Command = "Push.AllMemberPush"               // a push to everybody
	CmdPushOfflinePush          Command = "Push.OfflinePush"                 // an offline push
	CmdOfficialBeforeCreate     Command = "OfficialAccount.CallbackBeforeCreateOfficialAccount"
	CmdOfficialAfterCreate      Command = "OfficialAccount.CallbackAfterCreateOfficialAccount"
	CmdOfficialAfterInfoChanged Command = "OfficialAccount.CallbackAfterOfficialAccountInfoChanged"
	CmdOfficialAfterDestroyed   Command = "OfficialAccount.CallbackAfterOfficialAccountDestroyed"
	CmdOfficialBeforeSubscribe  Command = "OfficialAccount.CallbackBeforeAddSubscriber"
	CmdOfficialAfterSubscribe   Command = "OfficialAccount.CallbackAfterAddSubscriber"
	CmdOfficialAfterFull        Command = "OfficialAccount.CallbackAfterOfficialAccountFull"
	CmdOfficialAfterUnsubscribe Command = "OfficialAccount.CallbackAfterDeleteSubscriber"
	CmdOfficialBeforeSendMsg    Command = "OfficialAccount.CallbackBeforeSendMsg"
	CmdOfficialAfterSendMsg     Command = "OfficialAccount.CallbackAfterSendMsg"
	CmdOfficialAfterMsgWithDraw Command = "OfficialAccount.CallbackAfterMsgWithDraw"
)

// CmdParleyHeartbeat is a sign of life of Parley, which other senders do not
// have: it is no event and in no journal.
const CmdParleyHeartbeat Command = "Parley.CallbackHeartbeat"

// Known reports whether c is one of the constants of this package. Senders add
// commands over the years, so an unknown one is no fault.
func (c Command) Known() bool {
	_, ok := commands[c]
	return ok
}

// Question reports whether c is asked before something happens, so that its
// sender waits for the answer and obeys it. All others, and every unknown
// command, tell of something that has happened.
func (c Command) Question() bool { return commands[c].question }

// BodyType returns a pointer to a new, empty body of the type that this
// package has for c, or nil if it has none and bodies stay raw.
func (c Command) BodyType() any {
	if make := commands[c].body; make != nil {
		return make()
	}
	return nil
}

// Commands returns every command that Known reports true for, sorted.
func Commands() []Command { return slices.Sorted(maps.Keys(commands)) }

type commandInfo struct {
	question bool
	body     func() any
}

func tells[T any]() commandInfo { return commandInfo{body: func() any { return new(T) }} }
func asks[T any]() commandInfo {
	return commandInfo{question: true, body: func() any { return new(T) }}
}

var (
	tellsRaw = commandInfo{}
	asksRaw  = commandInfo{question: true}
)

var commands = map[Command]commandInfo{
	CmdGroupSendMsgException:        tells[SendMsgException](),
	CmdGroupBeforeSendMsg:           asks[BeforeSendMsg](),
	CmdGroupAfterSendMsg:            tells[AfterSendMsg](),
	CmdGroupAfterRecallMsg:          tells[AfterRecallMsg](),
	CmdGroupAfterReadReceipt:        tells[AfterReadReceipt](),
	CmdGroupAfterGroupMsgExtension:  tells[AfterGroupMsgExtension](),
	CmdGroupBeforeCreateGroup:       asks[BeforeCreateGroup](),
	CmdGroupAfterCreateGroup:        tells[AfterCreateGroup](),
	CmdGroupAfterGroupDestroyed:     tells[AfterGroupDestroyed](),
	CmdGroupAfterGroupInfoChanged:   tells[AfterGroupInfoChanged](),
	CmdGroupAfterGroupAttrChanged:   tells[AfterGroupAttrChanged](),
	CmdGroupAfterChangeGroupOwner:   tells[AfterChangeGroupOwner](),
	CmdGroupAfterGroupFull:          tells[AfterGroupFull](),
	CmdGroupBeforeApplyJoinGroup:    asks[BeforeApplyJoinGroup](),
	CmdGroupBeforeInviteJoinGroup:   asks[BeforeInviteJoinGroup](),
	CmdGroupAfterNewMemberJoin:      tells[AfterNewMemberJoin](),
	CmdGroupAfterMemberExit:         tells[AfterMemberExit](),
	CmdGroupAfterMemberFieldChanged: tells[AfterMemberFieldChanged](),
	CmdGroupOnMemberStateChange:     tells[OnMemberStateChange](),
	CmdGroupBeforeCreateTopic:       asks[BeforeCreateTopic](),
	CmdGroupAfterCreateTopic:        tells[AfterCreateTopic](),
	CmdGroupAfterTopicDestroyed:     tells[AfterTopicDestroyed](),
	CmdGroupAfterTopicInfoChanged:   tells[AfterTopicInfoChanged](),
	CmdGroupOnDailyGroupQuotaAlarm:  tells[OnDailyGroupQuotaAlarm](),

	CmdStateChange:              tells[StateChange](),
	CmdProfilePortraitSet:       tellsRaw,
	CmdSnsPrevFriendAdd:         asksRaw,
	CmdSnsPrevFriendResponse:    asksRaw,
	CmdSnsFriendAdd:             tellsRaw,
	CmdSnsFriendDelete:          tellsRaw,
	CmdSnsBlackListAdd:          tellsRaw,
	CmdSnsBlackListDelete:       tellsRaw,
	CmdFollowAfterFollowAdd:     tellsRaw,
	CmdFollowAfterFollowDelete:  tellsRaw,
	CmdC2CBeforeSendMsg:         asksRaw,
	CmdC2CAfterSendMsg:          tellsRaw,
	CmdC2CAfterMsgReport:        tellsRaw,
	CmdC2CAfterMsgWithDraw:      tellsRaw,
	CmdAlertRequestOverLimit:    tellsRaw,
	CmdBotOnC2CMessage:          tellsRaw,
	CmdBotOnGroupMessage:        tellsRaw,
	CmdChatbotOnC2CSignal:       tellsRaw,
	CmdContentResultNotify:      tellsRaw,
	CmdPushAllMemberPush:        tellsRaw,
	CmdPushOfflinePush:          tellsRaw,
	CmdOfficialBeforeCreate:     asksRaw,
	CmdOfficialAfterCreate:      tellsRaw,
	CmdOfficialAfterInfoChanged: tellsRaw,
	CmdOfficialAfterDestroyed:   tellsRaw,
	CmdOfficialBeforeSubscribe:  asksRaw,
	CmdOfficialAfterSubscribe:   tellsRaw,
	CmdOfficialAfterFull:        tellsRaw,
	CmdOfficialAfterUnsubscribe: tellsRaw,
	CmdOfficialBeforeSendMsg:    asksRaw,
	CmdOfficialAfterSendMsg:     tellsRaw,
	CmdOfficialAfterMsgWithDraw: tellsRaw,

	CmdParleyHeartbeat: tells[Heartbeat](),
}
