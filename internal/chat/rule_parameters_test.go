package chat

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
)

func TestParametersRule(t *testing.T) {
	t.Parallel()
	fault := Fail(api.CodeJSONParse)
	users := func(n int) (list []UserID) {
		for range n {
			list = append(list, "u")
		}
		return list
	}
	group := func(n int, limit any) *Refusal {
		return &Refusal{Code: 10015, Compared: map[string]any{"group_id_bytes": n, "limit": limit}}
	}
	from := func(n int) *Refusal {
		return &Refusal{Code: 10004, Info: "From_Account is not a valid UserID", Compared: map[string]any{"from_account_bytes": n, "limit": 32}}
	}
	forAdmins := &Refusal{Code: 10007, Info: "ForbidCallbackControl and NoMsgCheck are for admins of the app"}
	for name, c := range map[string]struct {
		change func(*Send)
		want   *Refusal
	}{
		"a good send":                    {func(*Send) {}, nil},
		"what the door could not read":   {func(s *Send) { *s = Send{Fault: fault} }, fault},
		"no group":                       {func(s *Send) { s.Group = "" }, &Refusal{Code: 10004, Info: "GroupId is required"}},
		"longest group id":               {func(s *Send) { s.Group = GroupID(strings.Repeat("g", 96)) }, nil},
		"group id too long":              {func(s *Send) { s.Group = GroupID(strings.Repeat("g", 97)) }, group(97, 96)},
		"group id with a line feed":      {func(s *Send) { s.Group = "a\nb" }, group(3, 96)},
		"group id with U+0000":           {func(s *Send) { s.Group = "\x00" }, group(1, 96)},
		"group id in Chinese":            {func(s *Send) { s.Group = "群" }, group(3, 96)},
		"group id of the service's form": {func(s *Send) { s.Group = "@TGS#_@TGS#cQVLVHIM62CJ@TOPIC#_TestTopic" }, nil},
		"group id with a space":          {func(s *Send) { s.Group = " ~" }, nil},
		"longest sender":                 {func(s *Send) { s.From = UserID(strings.Repeat("u", 32)) }, nil},
		"sender too long":                {func(s *Send) { s.From = UserID(strings.Repeat("u", 33)) }, from(33)},
		"sender empty":                   {func(s *Send) { s.From = "" }, from(0)},
		"sender with DEL":                {func(s *Send) { s.From = "u\x7f" }, from(2)},
		"group is looked at first":       {func(s *Send) { s.Group, s.From = "", "" }, &Refusal{Code: 10004, Info: "GroupId is required"}},
		"50 receivers":                   {func(s *Send) { s.To = users(50) }, nil},
		"51 receivers": {func(s *Send) { s.To = users(51) }, &Refusal{
			Code: 10004, Info: "To_Account has too many receivers", Compared: map[string]any{"count": 51, "limit": 50}}},
		"over a connection, as oneself": {func(s *Send) { s.Entry, s.Caller = EntryClient, "u" }, nil},
		"over a connection, as another": {func(s *Send) { s.Entry, s.Caller = EntryClient, "v" }, &Refusal{
			Code: 10007, Info: "From_Account must be the connection's user", Compared: map[string]any{"from_account": "u", "user": "v"}}},
		"over a connection, without the callback before": {func(s *Send) { s.Entry, s.Caller, s.NoBeforeSend = EntryClient, "u", true }, forAdmins},
		"over a connection, without the callback after":  {func(s *Send) { s.Entry, s.Caller, s.NoAfterSend = EntryClient, "u", true }, forAdmins},
		"over a connection, without the filter":          {func(s *Send) { s.Entry, s.Caller, s.NoMsgCheck = EntryClient, "u", true }, forAdmins},
		"over REST, all that is for admins":              {func(s *Send) { s.NoBeforeSend, s.NoAfterSend, s.NoMsgCheck = true, true, true }, nil},

		"online-only":                     {func(s *Send) { s.OnlineOnly, s.NoMsgCheck = true, true }, nil},
		"not counted as unread":           {func(s *Send) { s.NoUnread, s.NoLastMsg = true, true }, nil},
		"online-only, not unread":         {func(s *Send) { s.OnlineOnly, s.NoUnread = true, true }, &Refusal{Code: 10004, Info: "SendMsgControl is not allowed with OnlineOnlyFlag"}},
		"online-only, not last of a list": {func(s *Send) { s.OnlineOnly, s.NoLastMsg = true, true }, &Refusal{Code: 10004, Info: "SendMsgControl is not allowed with OnlineOnlyFlag"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Send{Group: "g", From: "u"}
			c.change(s)
			wantRefusal(t, checkParameters(s), c.want)
		})
	}
}
