package wire

import "github.com/parley-im/parley/internal/chat"

// StateChange is the body of State.StateChange (document 1047/34357): user logged
// in or out. kicked are the platforms of connections that had to give way.
// EventTime is a number here, whatever the app's setting.
func StateChange(action, reason string, user chat.UserID, kicked []string, eventTime int64) []byte {
	o := newObject(200)
	o.text("CallbackCommand", chat.CommandStateChange)
	o.number("EventTime", eventTime)
	info := newObject(96)
	info.text("Action", action)
	info.text("Reason", reason)
	info.text("To_Account", string(user))
	o.raw("Info", info.end())
	if len(kicked) > 0 {
		list := []byte{'['}
		for i, platform := range kicked {
			if i > 0 {
				list = append(list, ',')
			}
			p := newObject(32)
			p.text("Platform", StatePlatform(platform))
			list = append(list, p.end()...)
		}
		o.raw("KickedDevice", append(list, ']'))
	}
	return o.end()
}

// StatePlatform is a platform as State.StateChange spells it, which writes IOS.
func StatePlatform(platform string) string {
	if platform == "iOS" {
		return "IOS"
	}
	return platform
}
