package live

import (
	"errors"

	"github.com/centrifugal/centrifuge"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// The codes with which a connection is ended here beside the library's own. By
// the library's rule a client comes back after 3000 to 3499 and 4000 to 4499, and
// stays away after 3500 to 3999 and 4500 to 4999.
var (
	disconnectKicked    = centrifuge.Disconnect{Code: 4500, Reason: "kicked by an admin"}
	disconnectReplaced  = centrifuge.Disconnect{Code: 4501, Reason: "too many connections of this user"}
	disconnectDeleted   = centrifuge.Disconnect{Code: 4502, Reason: "account deleted"}
	disconnectAppGone   = centrifuge.Disconnect{Code: 4503, Reason: "app removed"}
	disconnectLoggedOut = centrifuge.Disconnect{Code: 4504, Reason: "logged out"}
)

// connectError tells a client why it is not let in, and by the code what to do:
// 109 says that it needs a new UserSig, a temporary error that it may try again,
// and any other code, which is the protocol's own, that it should stop.
func connectError(err error) *centrifuge.Error {
	var refusal *chat.Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Code == api.CodeUserSigExpired:
		return &centrifuge.Error{Code: centrifuge.ErrorTokenExpired.Code, Message: refusal.Info}
	case errors.As(err, &refusal) && refusal.Code != api.CodeInternal:
		return &centrifuge.Error{Code: uint32(refusal.Code), Message: refusal.Info}
	}
	return callError(err)
}

// callError is what a call gets instead of an answer: like an HTTP 503 without an
// envelope, it is worth another try.
func callError(err error) *centrifuge.Error {
	switch {
	case errors.Is(err, chat.ErrUnknown):
		return &centrifuge.Error{Code: centrifuge.ErrorInternal.Code, Message: "outcome unknown, repeat with the same Random", Temporary: true}
	case errors.Is(err, chat.ErrFull):
		return &centrifuge.Error{Code: centrifuge.ErrorTooManyRequests.Code, Message: "the disk is full, nothing began", Temporary: true}
	case errors.Is(err, chat.ErrBusy), errors.Is(err, chat.ErrStopped):
		return &centrifuge.Error{Code: centrifuge.ErrorTooManyRequests.Code, Message: "busy, nothing began", Temporary: true}
	}
	return centrifuge.ErrorInternal
}
