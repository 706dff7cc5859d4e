package command_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
)

func TestAListOfGroupsIsCutToWhatAnAnswerHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count = 2000
	name := strings.Repeat("<", 30)
	notes := strings.Repeat("\u00e9", 120)
	body := func(i int) string {
		return fmt.Sprintf(`{"Type":"Public","Name":%q,"GroupId":"g%d","Introduction":%q,"Notification":%q,"MemberList":[{"Member_Account":"bob"}]}`, name, i, notes, notes)
	}
	// The first is made as an app makes it, and the others like it, at once.
	if info, code := w.call(t, "ann", api.CommandCreateGroup, body(0)); code != 0 {
		t.Fatal(info)
	}
	group, err := w.backend.GetGroup(t.Context(), app, "g0")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.backend.Change(t.Context(), app, func(r chat.Records) error {
		for i := 1; i < count; i++ {
			group.Key, group.Members, group.ID = 0, 0, chat.GroupID(fmt.Sprint("g", i))
			key, err := r.CreateGroup(group)
			if err != nil {
				return err
			}
			for user, role := range map[chat.UserID]chat.Role{"ann": chat.RoleOwner, "bob": chat.RoleMember} {
				if err := r.PutMember(key, chat.Member{User: user, Role: role}); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	seen, pages := map[string]bool{}, 0
	for {
		text, code := w.call(t, "bob", api.CommandGetJoinedGroupList, fmt.Sprintf(`{"Limit":5000,"Offset":%d}`, len(seen)))
		if code != 0 {
			t.Fatalf("page %d: refused with %d, %s", pages, code, text)
		}
		if len(text) > command.MaxAnswer {
			t.Fatalf("page %d has %d bytes", pages, len(text))
		}
		var page struct {
			TotalCount  int
			GroupIdList []struct{ GroupId string }
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			t.Fatal(err)
		}
		if page.TotalCount != count {
			t.Fatalf("TotalCount is %d, want %d", page.TotalCount, count)
		}
		for _, g := range page.GroupIdList {
			seen[g.GroupId] = true
		}
		pages++
		if len(page.GroupIdList) == 0 || len(seen) >= count {
			break
		}
	}
	if len(seen) != count || pages < 2 {
		t.Errorf("%d groups in %d pages, want %d in several", len(seen), pages, count)
	}
	if _, code := w.call(t, "", api.CommandGetJoinedGroupList, `{"Member_Account":"bob","Limit":5000}`); code != api.CodeResponseTooLarge {
		t.Errorf("over REST the whole list is answered %d, want %d", code, api.CodeResponseTooLarge)
	}
}
