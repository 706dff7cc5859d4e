package chat

import "github.com/parley-im/parley/api"

// checkGroup refuses a send to a group that never was or is dissolved. The
// sources name two codes for it, 10010 and 10015; the app's setting decides.
func checkGroup(g *Group, settings *Settings) *Refusal {
	if g != nil {
		return nil
	}
	if settings.MissingGroup == int(api.CodeInvalidGroupID) {
		return Fail(api.CodeInvalidGroupID)
	}
	return Fail(api.CodeGroupNotFound)
}
