package callback

// StateChange tells that a user went online or offline
// (Tencent Cloud Chat, document 1047/34357).
type StateChange struct {
	CallbackCommand Command        `json:"CallbackCommand"`
	EventTime       Millis         `json:"EventTime"`
	Info            StateInfo      `json:"Info"`
	KickedDevice    []KickedDevice `json:"KickedDevice,omitempty"`
}

// StateInfo is whose state changed, to what and why.
type StateInfo struct {
	Action    string `json:"Action"` // Login, Logout or Disconnect
	Reason    string `json:"Reason"` // Register, Unregister, LinkClose or TimeOut
	ToAccount string `json:"To_Account"`
}

// KickedDevice is a device that a login elsewhere logged out.
type KickedDevice struct {
	Platform Platform `json:"Platform"`
}
