package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/pg"
	"github.com/parley-im/parley/internal/store/postgres"
)

// target is the database that everything goes to.
type target struct {
	place    string
	conn     *pgx.Conn
	progress progress
}

// progress is how far each table is, by its name.
type progress map[string]*reached

// reached is how far a table is: the key of the last row that is there, and how
// many rows there are. It is committed with the rows.
type reached struct {
	Key  []part `json:"key,omitempty"`
	Rows int64  `json:"rows"`
	Done bool   `json:"done,omitempty"`
}

// part is one column of a key: a number, or bytes.
type part struct {
	N int64   `json:"n,omitempty"`
	B *[]byte `json:"b,omitempty"`
}

// openTarget connects to the database, brings its schema up to date, and keeps
// servers from it.
func openTarget(ctx context.Context, database string) (*target, error) {
	config, err := postgres.Prepare(ctx, database)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	d := &target{place: pg.Place(config), conn: conn, progress: progress{}}
	_, err = conn.Exec(ctx, postgres.AwaitTurn)
	if err != nil && pg.KindOf(err) == pg.Busy {
		err = errors.New("a server or another move is using it; stop that first")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", d.place, err), d.close())
	}
	return d, nil
}

func (d *target) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return d.conn.Close(ctx)
}

// imported is what the database knows of a move into it.
type imported struct {
	id       string
	began    time.Time
	finished *time.Time
}

// imported reads what the database knows of a move into it; nil for nothing.
func (d *target) imported(ctx context.Context) (*imported, error) {
	var i imported
	var text []byte
	err := d.conn.QueryRow(ctx, "SELECT id, began, finished, progress FROM imports WHERE one").Scan(&i.id, &i.began, &i.finished, &text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &d.progress)
	}
	if err != nil {
		return nil, fmt.Errorf("read how far the move is: %w", err)
	}
	return &i, nil
}

// begin writes down that a move begins, in a database without rows.
func (d *target) begin(ctx context.Context, id string) error {
	d.progress = progress{}
	return pgx.BeginFunc(ctx, d.conn, func(tx pgx.Tx) error {
		for _, name := range append(tableNames(), "purges") {
			var filled bool
			if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+name+")").Scan(&filled); err != nil {
				return err
			}
			if filled && name == carried[0].name {
				return fmt.Errorf("%s holds apps already; an empty database is needed", d.place)
			}
			if filled {
				return fmt.Errorf("%s is not empty: there are rows in %s", d.place, name)
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO imports (id, progress) VALUES ($1, '{}')
			ON CONFLICT (one) DO UPDATE SET id = excluded.id, began = clock_timestamp(), finished = NULL, progress = excluded.progress`, id)
		return err
	})
}

// startOver empties the tables of an unfinished move.
func (d *target) startOver(ctx context.Context) error {
	d.progress = progress{}
	return pgx.BeginFunc(ctx, d.conn, func(tx pgx.Tx) error {
		for _, name := range append(tableNames(), "repeats") {
			if _, err := tx.Exec(ctx, "TRUNCATE "+name); err != nil {
				return fmt.Errorf("empty %s: %w", name, err)
			}
		}
		return d.save(ctx, tx)
	})
}

func tableNames() (names []string) {
	for _, t := range carried {
		names = append(names, t.name)
	}
	return names
}

// save writes down how far the tables are.
func (d *target) save(ctx context.Context, tx pgx.Tx) error {
	text, err := json.Marshal(d.progress)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE imports SET progress = $1 WHERE one AND finished IS NULL", text)
	}
	if err != nil {
		return fmt.Errorf("write down how far the move is: %w", err)
	}
	return nil
}

// at tells how far a table is.
func (d *target) at(name string) *reached {
	r, ok := d.progress[name]
	if !ok {
		r = &reached{}
		d.progress[name] = r
	}
	return r
}

// journals reads which journal each app has.
func (d *target) journals(ctx context.Context) (map[int64]int64, error) {
	rows, err := d.conn.Query(ctx, "SELECT app, journal FROM heads")
	if err != nil {
		return nil, err
	}
	all := make(map[int64]int64)
	var app, journal int64
	_, err = pgx.ForEachRow(rows, []any{&app, &journal}, func() error {
		all[app] = journal
		return nil
	})
	return all, err
}

// finish sets what gives out keys behind those that are there, and lets the
// database be served. Where it was until now does not matter: what the folder
// holds was found in it.
func (d *target) finish(ctx context.Context, groups, members, replays int64) error {
	return pgx.BeginFunc(ctx, d.conn, func(tx pgx.Tx) error {
		for _, s := range []struct {
			table, column string
			last          int64
		}{{"groups", "key", groups}, {"members", "ord", members}, {"replays", "id", replays}} {
			if _, err := tx.Exec(ctx, "SELECT setval(pg_get_serial_sequence($1, $2), greatest($3::bigint, 1), $3::bigint > 0)", s.table, s.column, s.last); err != nil {
				return fmt.Errorf("set the next %s of %s: %w", s.column, s.table, err)
			}
		}
		if _, err := tx.Exec(ctx, "DELETE FROM origin"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE imports SET finished = clock_timestamp() WHERE one")
		return err
	})
}

// pack and unpack turn a key into what is written down, and back.
func pack(key []any) (list []part) {
	for _, v := range key {
		switch v := v.(type) {
		case int64:
			list = append(list, part{N: v})
		case []byte:
			list = append(list, part{B: &v})
		}
	}
	return list
}

func unpack(list []part) (key []any) {
	for _, p := range list {
		if p.B == nil {
			key = append(key, p.N)
			continue
		}
		b := *p.B
		if b == nil {
			b = []byte{}
		}
		key = append(key, b)
	}
	return key
}
