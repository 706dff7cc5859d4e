package transfer

import (
	"fmt"
	"strings"
)

// kind is what a column is in the database, and how its value is made of what
// the data folder has.
type kind uint8

const (
	number  kind = iota // bigint
	small               // smallint
	integer             // integer
	truth               // boolean; 0 or 1 in the folder
	bytes               // bytea
	id                  // uuid; 16 bytes in the folder
	journal             // the app's journal in the database; the app in the folder
)

// column is a column of the database and the expression that gives its value in
// the folder.
type column struct {
	name   string
	source string
	kind   kind
}

// table is one table of the database, and where its rows are in the folder. The
// first columns, as many as keys says, are its key; both sides are read in its
// order, which both have an index for.
type table struct {
	name    string
	from    string
	keys    int
	columns []column
	// seek narrows down where the rows after a key are, for a from with several
	// tables; ?1 and so on are the key.
	seek string
}

// carried is every table that is carried over, apart from the repeats, whose rows
// have another form on each side (repeats.go). Those that others look things up
// in come first.
var carried = []table{
	{name: "apps", from: "apps t", keys: 1, columns: columns(number, "app=id", bytes, "key admins settings")},
	{name: "heads", from: "heads t JOIN apps a ON a.id = t.app", keys: 1, columns: columns(number, "app",
		bytes, "epoch=a.epoch", number, "next time version accepted refused dropped repeated bytes")},
	{name: "words", from: "words t", keys: 2, columns: columns(number, "app", bytes, "word")},
	{name: "endpoints", from: "endpoints t", keys: 2, columns: columns(number, "app",
		bytes, "id url token ca commands settings", number, "cursor cursor_previous", bytes, "lane")},
	{name: "accounts", from: "accounts t", keys: 2, columns: columns(number, "app",
		bytes, "account=user nick face_url", number, "create_time mute_until c2c_mute")},
	{name: "groups", from: "groups t", keys: 2, columns: columns(number, "app key",
		bytes, "id type name introduction notification face_url owner apply_join invite",
		number, "max_members members", truth, "mute_all", number, "create_time last_info_time info_seq")},
	{name: "group_heads", from: "groups g CROSS JOIN group_heads t ON t.gkey = g.key", keys: 2, columns: columns(
		number, "app=g.app gkey=g.key next time")},
	{name: "members", from: "members t", keys: 3, columns: columns(number, "app", bytes, "account=user",
		number, "gkey ord", bytes, "role", number, "join_time read_seq", bytes, "msg_flag name_card", number, "last_msg_time join_seq")},
	{name: "mutes", from: "mutes t", keys: 3, columns: columns(number, "app", bytes, "account=user", number, "gkey until")},
	{name: "applications", from: "applications t", keys: 3, columns: columns(number, "app", bytes, "account=user", number, "gkey ord", bytes, "text", number, "time")},
	// Through the groups: messages of those that are gone stay behind.
	{name: "messages", from: "groups g CROSS JOIN messages t ON t.gkey = g.key", keys: 3, columns: columns(
		number, "app=g.app gkey=g.key seq", bytes, "sender", number, "random time", small, "priority", number, "flags",
		bytes, "body cloud", id, "attempt", bytes, "extra"), seek: "(g.app, g.key) >= (?1, ?2)"},
	{name: "events", from: "events t", keys: 3, columns: columns(number, "app", journal, "journal=app", number, "seq",
		id, "id attempt", bytes, "command", number, "time", bytes, "client_ip platform", integer, "code", bytes, "grp sender",
		number, "random", bytes, "rule body detail", number, "count cut")},
	{name: "pending", from: "pending t", keys: 3, columns: columns(number, "app", bytes, "endpoint", number, "seq previous attempt next_at",
		truth, "dead", number, "status", bytes, "reason", number, "since", bytes, "grp", truth, "replay")},
	{name: "failures", from: "failures t", keys: 4, columns: columns(number, "app", bytes, "endpoint", number, "seq", integer, "n",
		number, "attempt at duration status", bytes, "reason answer", truth, "replay")},
	{name: "deliveries", from: "deliveries t", keys: 4, columns: columns(number, "app", bytes, "endpoint", number, "chunk at", bytes, "body")},
	{name: "dead_ranges", from: "dead_ranges t", keys: 3, columns: columns(number, "app", bytes, "endpoint", number, "first last previous at",
		bytes, "reason switches")},
	{name: "replays", from: "replays t", keys: 3, columns: columns(number, "app", bytes, "endpoint", number, "id next last", bytes, "body")},
	{name: "tokens", from: "tokens t", keys: 2, columns: columns(number, "app", bytes, "id name", number, "created_at", bytes, "hash")},
}

// What has no counterpart on the other side, and why. A "*" is any ending.
var (
	leftInFolder = map[string]string{
		"purges":           "what is purged is gone before the move begins",
		"erasures":         "what is to be erased is erased before the move begins",
		"erasing":          "likewise",
		"repeats_*":        "repeats.go",
		"repeats_x_*":      "an index of repeats_* that the other engine does not need",
		"messages.id":      "the order in which they came means nothing",
		"goose_db_version": "of the schema",
		"sqlite_*":         "of the engine; the last key of a group goes over, see finish",
	}
	madeInDatabase = map[string]string{
		"repeats":          "repeats.go",
		"repeats_*":        "partitions of repeats",
		"heads.journal":    "given by the database",
		"heads.first":      "1 by default: the oldest event is looked for from there",
		"changes":          "for processes that remember state; there are none",
		"purges":           "nothing is to be purged",
		"erasures":         "nothing is to be erased",
		"erasing":          "likewise",
		"messages.version": "0 by default: older than every erasure to come",
		"origin":           "the first start there writes it",
		"delivery":         "of the processes that deliver",
		"imports":          "of this package",
		"goose_db_version": "of the schema",
	}
)

// columns reads pairs of a kind and names: "name", or "name=expression" where the
// folder has another name for it. An expression without a table is of t.
func columns(pairs ...any) (list []column) {
	for i := 0; i < len(pairs); i += 2 {
		for _, word := range strings.Fields(pairs[i+1].(string)) {
			name, source, ok := strings.Cut(word, "=")
			if !ok {
				source = name
			}
			if !strings.Contains(source, ".") {
				source = "t." + source
			}
			list = append(list, column{name, source, pairs[i].(kind)})
		}
	}
	return list
}

// read is the query for the folder's rows in order, those after a key if after.
func (t *table) read(after bool) string {
	q := "SELECT " + strings.Join(t.sources(), ", ") + " FROM " + t.from
	var key, marks []string
	for i, at := range t.sourceKey() {
		key, marks = append(key, t.columns[at].source), append(marks, fmt.Sprintf("?%d", i+1))
	}
	order := strings.Join(key, ", ")
	if after {
		q += " WHERE "
		if t.seek != "" {
			q += t.seek + " AND "
		}
		q += "(" + order + ") > (" + strings.Join(marks, ", ") + ")"
	}
	return q + " ORDER BY " + order
}

// sourceKey are the columns that are the key in the folder, where a journal is
// the app's, which is in the key already.
func (t *table) sourceKey() (list []int) {
	for i, c := range t.columns[:t.keys] {
		if c.kind != journal {
			list = append(list, i)
		}
	}
	return list
}

// readBack is the query for the database's rows in order.
func (t *table) readBack() string {
	names := t.names()
	for i := range names {
		names[i] = `"` + names[i] + `"`
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + t.name + " ORDER BY " + strings.Join(names[:t.keys], ", ")
}

func (t *table) names() []string {
	list := make([]string, len(t.columns))
	for i, c := range t.columns {
		list[i] = c.name
	}
	return list
}

func (t *table) sources() []string {
	list := make([]string, len(t.columns))
	for i, c := range t.columns {
		list[i] = c.source
	}
	return list
}
