package callback

import "strings"

// Platform is the value of OptPlatform: what kind of device acted. It is kept
// as received; Canonical maps the spellings of several ages to one.
type Platform string

// The platforms (Tencent Cloud Chat, document 1047/34354). Linux is documented
// only for devices that were logged out.
const (
	PlatformRESTAPI Platform = "RESTAPI"
	PlatformWeb     Platform = "Web"
	PlatformAndroid Platform = "Android"
	PlatformIOS     Platform = "iOS"
	PlatformWindows Platform = "Windows"
	PlatformMac     Platform = "Mac"
	PlatformIPad    Platform = "iPad"
	PlatformLinux   Platform = "Linux"
	PlatformUnknown Platform = "Unknown"
)

// Canonical returns the constant that p stands for: macOS is Mac, IPad is
// iPad, IOS is iOS, and everything unlisted, among it the documented slip
// Unkown, is Unknown. The empty value, sent by commands that have no acting
// device, stays empty.
func (p Platform) Canonical() Platform {
	switch strings.ToLower(string(p)) {
	case "":
		return ""
	case "restapi":
		return PlatformRESTAPI
	case "web":
		return PlatformWeb
	case "android":
		return PlatformAndroid
	case "ios":
		return PlatformIOS
	case "windows":
		return PlatformWindows
	case "mac", "macos":
		return PlatformMac
	case "ipad":
		return PlatformIPad
	case "linux":
		return PlatformLinux
	}
	return PlatformUnknown
}

// GroupType is the value of Type: the kind of a group. It is kept as received;
// Canonical maps the old names to the present ones.
type GroupType string

// The group types, with the two old names that are still sent.
const (
	GroupWork       GroupType = "Work"
	GroupPublic     GroupType = "Public"
	GroupMeeting    GroupType = "Meeting"
	GroupAVChatRoom GroupType = "AVChatRoom"
	GroupCommunity  GroupType = "Community"

	GroupPrivate  GroupType = "Private"  // old name of Work
	GroupChatRoom GroupType = "ChatRoom" // old name of Meeting
)

// Canonical returns Work for Private, Meeting for ChatRoom and everything else
// as it is. It is empty if the sender did not know the group.
func (t GroupType) Canonical() GroupType {
	switch t {
	case GroupPrivate:
		return GroupWork
	case GroupChatRoom:
		return GroupMeeting
	}
	return t
}
