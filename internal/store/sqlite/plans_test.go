package sqlite

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// Owner and admins are found by an index of theirs, however many members there
// are, and who is skipped is read in an index alone. The test looks inside, at the
// plans: they tell what is read, where a time would not.
func TestMembersAreFoundByTheIndexOfTheirRoles(t *testing.T) {
	t.Parallel()
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tests := map[string]struct {
		roles []chat.Role
		index string
	}{
		"all":              {nil, "SEARCH members USING COVERING INDEX members_by_order (gkey=?)"},
		"owner and admins": {[]chat.Role{chat.RoleOwner, chat.RoleAdmin}, "SEARCH members USING INDEX members_managing (gkey=?)"},
		"admins":           {[]chat.Role{chat.RoleAdmin}, "SEARCH members USING INDEX members_managing (gkey=?)"},
		"ordinary members": {[]chat.Role{chat.RoleMember}, "SEARCH members USING COVERING INDEX members_by_order (gkey=?)"},
	}
	// Plans are made without figures, and with those of a large group.
	for _, figures := range []string{"", `INSERT INTO members (app, gkey, user, role, join_time, read_seq, msg_flag, name_card, last_msg_time)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
		SELECT 1, 1, CAST(i AS BLOB), CAST(CASE i WHEN 1 THEN 'Owner' ELSE 'Member' END AS BLOB), 0, 0, x'', x'', 0 FROM n; ANALYZE`} {
		if _, err := s.files.writer.conn.ExecContext(t.Context(), figures); err != nil {
			t.Fatal(err)
		}
		for name, test := range tests {
			err := s.read(t.Context(), func(c *session) error {
				var plan []string
				err := c.each(func(scan scanner) error {
					var id, parent, unused int
					var step string
					err := scan(&id, &parent, &unused, &step)
					plan = append(plan, step)
					return err
				}, "EXPLAIN QUERY PLAN "+membersQuery(test.roles), make([]any, []int{4, 7}[min(1, len(test.roles))])...)
				text := strings.Join(plan, "\n")
				if !strings.Contains(text, test.index) || !strings.Contains(text, "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)") {
					t.Errorf("%s are not found by %s:\n%s", name, test.index, text)
				}
				for _, bad := range []string{"SCAN m", "TEMP B-TREE", "SEARCH u USING INDEX mutes_by_user"} {
					if strings.Contains(text, bad) {
						t.Errorf("%s: there is %q in the plan:\n%s", name, bad, text)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	roles := []chat.Role{chat.RoleOwner, chat.RoleAdmin}
	if found, err := s.Members(t.Context(), 1, 1, roles, 0, 10); err != nil || len(found) != 1 || found[0].User != "1" {
		t.Errorf("the owner among 50 000: %+v, %v", found, err)
	}
}
