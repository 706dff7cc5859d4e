package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// stored reads what no address tells, with statements of its own: the server's
// code is what is under test.
type stored struct {
	t        *testing.T
	db       *sql.DB
	postgres bool
}

// look opens the store of a server that has ended.
func look(t *testing.T, p place) *stored {
	t.Helper()
	driver, source := "pgx", p.value+"&search_path=parley"
	if p.flag == "data" {
		driver, source = "sqlite", "file:"+url.PathEscape(filepath.Join(p.value, "parley.db"))+"?_pragma=query_only(1)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &stored{t, db, driver == "pgx"}
}

// each calls f for every row.
func (s *stored) each(query string, f func(scan func(...any))) {
	s.t.Helper()
	rows, err := s.db.QueryContext(s.t.Context(), query)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		f(func(into ...any) {
			if err := rows.Scan(into...); err != nil {
				s.t.Fatalf("%s: %v", query, err)
			}
		})
	}
	if err := rows.Err(); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

// read fills the books with what is stored of the app.
func (s *stored) read(b *books) {
	s.t.Helper()
	id := "lower(hex(id))"
	if s.postgres {
		id = "replace(id::text, '-', '')"
	}
	s.each(fmt.Sprintf("SELECT seq, %s, command, code, grp, count, body FROM events WHERE app = %d ORDER BY seq", id, appID), func(scan func(...any)) {
		var e entry
		var id string
		var command, group, body []byte
		scan(&e.seq, &id, &command, &e.code, &group, &e.count, &body)
		e.id = fmt.Sprintf("%s-%s-%s-%s-%s", id[:8], id[8:12], id[12:16], id[16:20], id[20:])
		e.command, e.group, e.body = string(command), string(group), hash(body)
		if e.command == afterSendCommand {
			var m struct{ MsgSeq uint64 }
			if err := json.Unmarshal(body, &m); err != nil {
				s.t.Errorf("%s: %v", &e, err)
			}
			e.message = m.MsgSeq
		}
		b.journal = append(b.journal, e)
	})
	s.each("SELECT gkey, seq, random FROM messages ORDER BY gkey, seq", func(scan func(...any)) {
		var m message
		scan(&m.gkey, &m.seq, &m.random)
		b.messages = append(b.messages, m)
	})
	of := make(map[string]*account)
	for _, a := range b.endpoints {
		of[a.id] = a
		a.dead = make(map[uint64]string)
	}
	// Whose endpoint is none of the test's would be a nil pointer's fault.
	s.each(fmt.Sprintf("SELECT endpoint, seq, dead, reason FROM pending WHERE app = %d ORDER BY seq", appID), func(scan func(...any)) {
		var endpoint, reason []byte
		var seq uint64
		var dead bool
		scan(&endpoint, &seq, &dead, &reason)
		if dead {
			of[string(endpoint)].dead[seq] = string(reason)
		} else {
			of[string(endpoint)].waiting = append(of[string(endpoint)].waiting, seq)
		}
	})
	s.each(fmt.Sprintf("SELECT endpoint, first, last FROM dead_ranges WHERE app = %d", appID), func(scan func(...any)) {
		var endpoint []byte
		var r deadRange
		scan(&endpoint, &r.first, &r.last)
		of[string(endpoint)].ranges = append(of[string(endpoint)].ranges, r)
	})
	s.each(fmt.Sprintf("SELECT id, cursor FROM endpoints WHERE app = %d", appID), func(scan func(...any)) {
		var endpoint []byte
		var cursor uint64
		scan(&endpoint, &cursor)
		of[string(endpoint)].cursor = cursor
	})
}
