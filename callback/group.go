package callback

// Member is a user in a list of members.
type Member struct {
	MemberAccount string `json:"Member_Account"`
}

// UserDefinedData is one custom field of a group or topic.
type UserDefinedData struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

// BeforeCreateGroup asks whether a group may be created; it has no GroupId yet
// (Tencent Cloud Chat, document 1047/34368).
type BeforeCreateGroup struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	CreateGroupNum  int64     `json:"CreateGroupNum"` // groups of this type that the user has already
	EventTime       Millis    `json:"EventTime"`
	MemberList      []Member  `json:"MemberList,omitempty"`
	Name            string    `json:"Name"`
	OperatorAccount string    `json:"Operator_Account"`
	OwnerAccount    string    `json:"Owner_Account"`
	Type            GroupType `json:"Type"`
}

// AfterCreateGroup tells that a group was created
// (Tencent Cloud Chat, document 1047/34369).
type AfterCreateGroup struct {
	CallbackCommand     Command           `json:"CallbackCommand"`
	EventTime           Millis            `json:"EventTime"`
	GroupID             string            `json:"GroupId"`
	MemberList          []Member          `json:"MemberList,omitempty"`
	Name                string            `json:"Name"`
	OperatorAccount     string            `json:"Operator_Account"`
	OwnerAccount        string            `json:"Owner_Account"`
	Type                GroupType         `json:"Type"`
	UserDefinedDataList []UserDefinedData `json:"UserDefinedDataList,omitempty"`
}

// AfterGroupDestroyed tells that a group was dissolved
// (Tencent Cloud Chat, document 1047/34377).
type AfterGroupDestroyed struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventTime       Millis    `json:"EventTime"`
	GroupID         string    `json:"GroupId"`
	MemberList      []Member  `json:"MemberList,omitempty"` // absent for a Community
	Name            string    `json:"Name"`
	OwnerAccount    string    `json:"Owner_Account"`
	Type            GroupType `json:"Type"`
}

// AfterGroupInfoChanged tells what changed in a group's profile; nil is
// unchanged (Tencent Cloud Chat, document 1047/34378).
type AfterGroupInfoChanged struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventTime       Millis    `json:"EventTime"`
	FaceURL         *string   `json:"FaceUrl,omitempty"`
	GroupID         string    `json:"GroupId"`
	Introduction    *string   `json:"Introduction,omitempty"`
	Name            *string   `json:"Name,omitempty"`
	Notification    *string   `json:"Notification,omitempty"`
	OperatorAccount string    `json:"Operator_Account"`
	Type            GroupType `json:"Type"`
}

// AfterGroupAttrChanged tells that attributes of a group changed
// (Tencent Cloud Chat, document 1047/60394).
type AfterGroupAttrChanged struct {
	CallbackCommand Command     `json:"CallbackCommand"`
	EventTime       Millis      `json:"EventTime"`
	GroupAttr       []GroupAttr `json:"GroupAttr"`
	GroupID         string      `json:"GroupId"`
	OperatorAccount string      `json:"Operator_Account"`
	OptionType      string      `json:"OptionType"` // set (all replaced), modify, clear or delete
	Type            GroupType   `json:"Type"`
}

// GroupAttr is one attribute; its keys are in lower case on the wire.
type GroupAttr struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// AfterChangeGroupOwner tells that a group has another owner
// (Tencent Cloud Chat, document 1047/60396).
type AfterChangeGroupOwner struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventTime       Millis    `json:"EventTime"`
	GroupID         string    `json:"GroupId"`
	NewOwnerAccount string    `json:"NewOwner_Account"`
	OldOwnerAccount string    `json:"OldOwner_Account"`
	OperatorAccount string    `json:"Operator_Account"`
	Type            GroupType `json:"Type"`
}

// AfterGroupFull tells that a join made a group full or failed because it was
// full, so it can repeat (Tencent Cloud Chat, document 1047/34376).
type AfterGroupFull struct {
	CallbackCommand Command `json:"CallbackCommand"`
	EventTime       Millis  `json:"EventTime"`
	GroupID         string  `json:"GroupId"`
}

// OnDailyGroupQuotaAlarm tells that the day's new groups passed 70 % of the
// quota (Tencent Cloud Chat, document 1047/57455).
type OnDailyGroupQuotaAlarm struct {
	CallbackCommand Command `json:"CallbackCommand"`
	EventTime       Millis  `json:"EventTime"`
	Quota           int64   `json:"Quota"`
	QuotaUsed       int64   `json:"QuotaUsed"`
}
