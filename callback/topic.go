package callback

// BeforeCreateTopic asks whether a topic may be created; it names neither
// group nor topic (Tencent Cloud Chat, document 1047/49463).
type BeforeCreateTopic struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventTime       Millis    `json:"EventTime,omitempty"`
	Name            string    `json:"Name"`
	OperatorAccount string    `json:"Operator_Account"`
	Type            GroupType `json:"Type"`
}

// AfterCreateTopic tells that a topic was created
// (Tencent Cloud Chat, document 1047/49464).
type AfterCreateTopic struct {
	CallbackCommand     Command           `json:"CallbackCommand"`
	EventTime           Millis            `json:"EventTime,omitempty"`
	GroupID             string            `json:"GroupId"`
	Name                string            `json:"Name"`
	OperatorAccount     string            `json:"Operator_Account"`
	OwnerAccount        string            `json:"Owner_Account"`
	TopicID             string            `json:"TopicId"`
	Type                GroupType         `json:"Type"`
	UserDefinedDataList []UserDefinedData `json:"UserDefinedDataList,omitempty"`
}

// AfterTopicDestroyed tells that topics were removed
// (Tencent Cloud Chat, document 1047/49465).
type AfterTopicDestroyed struct {
	CallbackCommand Command    `json:"CallbackCommand"`
	EventTime       Millis     `json:"EventTime,omitempty"`
	GroupID         string     `json:"GroupId"`
	TopicIDList     StringList `json:"TopicIdList"`
	Type            GroupType  `json:"Type"`
}

// AfterTopicInfoChanged tells what changed in a topic's profile; nil is
// unchanged. The documents give it no TopicId
// (Tencent Cloud Chat, document 1047/49466).
type AfterTopicInfoChanged struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventTime       Millis    `json:"EventTime,omitempty"`
	FaceURL         *string   `json:"FaceUrl,omitempty"`
	GroupID         string    `json:"GroupId"`
	Introduction    *string   `json:"Introduction,omitempty"`
	Name            *string   `json:"Name,omitempty"`
	Notification    *string   `json:"Notification,omitempty"`
	OperatorAccount string    `json:"Operator_Account"`
	TopicID         string    `json:"TopicId,omitempty"`
	Type            GroupType `json:"Type"`
}
