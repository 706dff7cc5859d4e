package storetest

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
)

// remember commits repeats and nothing else.
func (w *world) remember(t fatal, app chat.AppID, now int64, list ...chat.Repeat) {
	t.Helper()
	must(t, w.commit(app, nil, now, func(chat.Head) chat.Rows { return chat.Rows{Repeats: list} }))
}

// recognised asks a reader and a transaction, which must agree.
func (w *world) recognised(t fatal, app chat.AppID, k chat.RepeatKey, now int64) (chat.Repeat, bool) {
	t.Helper()
	r, ok, err := w.store.Repeat(w.ctx, app, k, now)
	must(t, err)
	tx, err := w.begin()
	must(t, err)
	defer tx.Rollback()
	head, err := tx.Lock(app, nil, []chat.RepeatKey{k}, now)
	must(t, err)
	locked, lockedOK := head.Repeats[k]
	if ok != lockedOK || r != locked {
		t.Fatalf("the reader says %v %v, the transaction %v %v", r, ok, locked, lockedOK)
	}
	return r, ok
}

func repeats(t *testing.T, w *world) {
	first := chat.Repeat{Key: key(1), Attempt: attempt(1), Seq: 7, Time: start}
	onlineOnly := chat.Repeat{Key: key(2), Attempt: attempt(2), Time: start + 1}
	w.remember(t, app1, start, first)
	w.remember(t, app1, start+1, onlineOnly)
	for _, test := range []struct {
		name string
		key  chat.RepeatKey
		now  int64
		want chat.Repeat
	}{
		{"at once", key(1), start, first},
		{"online only", key(2), start + 1, onlineOnly},
		{"another key", key(3), start, chat.Repeat{}},
		{"at the end of the window", key(1), start + chat.RepeatWindow, first},
		{"after it", key(1), start + chat.RepeatWindow + 1, chat.Repeat{}},
		{"the other is still within", key(2), start + chat.RepeatWindow + 1, onlineOnly},
	} {
		got, ok := w.recognised(t, app1, test.key, test.now)
		equal(t, test.name, got, test.want)
		equal(t, test.name, ok, test.want != chat.Repeat{})
	}
	// Accepted anew after the window, the newer one counts.
	later := start + chat.RepeatWindow + 10
	anew := chat.Repeat{Key: key(1), Attempt: attempt(9), Seq: 8, Time: later}
	w.remember(t, app1, later, anew)
	got, _ := w.recognised(t, app1, key(1), later+5)
	equal(t, "newer", got, anew)
}

func repeatsRestart(t *testing.T, w *world) {
	for minute := range int64(12) {
		now := start + minute*60
		var list []chat.Repeat
		for i := range 50 {
			list = append(list, chat.Repeat{Key: key(int(minute)*1000 + i), Attempt: attempt(i), Seq: 1, Time: now})
		}
		w.remember(t, app1, now, list...)
		if minute%5 == 4 {
			w.restart(t)
		}
		for past := range minute + 1 {
			for i := range 50 {
				_, ok, err := w.store.Repeat(w.ctx, app1, key(int(past)*1000+i), now)
				must(t, err)
				if want := minute-past <= 5; ok != want {
					t.Fatalf("minute %d: the repeat of minute %d is found: %v", minute, past, ok)
				}
			}
		}
	}
}

// repeatsModel compares with a plain map under a clock that only goes forward,
// through commits, rollbacks, idle hours, housekeeping and restarts: nothing
// accepted within the window is missed, nothing older is reported.
func repeatsModel(t *testing.T, w *world) {
	now, next := start, 0
	rapid.Check(t, func(t *rapid.T) {
		known := map[chat.RepeatKey]chat.Repeat{}
		var keys []chat.RepeatKey
		record := func(k chat.RepeatKey) chat.Repeat {
			next++
			// MsgTime never falls, so it may be a little ahead of the clock.
			return chat.Repeat{Key: k, Attempt: attempt(next), Seq: chat.MsgSeq(next), Time: now + int64(next%4)}
		}
		batch := func() (list []chat.Repeat) {
			for range rapid.SampledFrom([]int{1, 1, 2, 3, 5, 8, 20, 256}).Draw(t, "size") {
				list = append(list, record(key(next)))
			}
			// Keys that were accepted before the window come again, too.
			for range min(len(keys), 3) {
				k := rapid.SampledFrom(keys).Draw(t, "old key")
				fresh := now-known[k].Time > chat.RepeatWindow
				for _, r := range list {
					fresh = fresh && r.Key != k
				}
				if fresh {
					list = append(list, record(k))
				}
			}
			return list
		}
		check := func(k chat.RepeatKey) {
			got, ok := w.recognised(t, app1, k, now)
			want := known[k]
			if inside := want.Time != 0 && now-want.Time <= chat.RepeatWindow; ok != inside || ok && got != want {
				t.Fatalf("at %d: found %v %+v, want %v %+v", now, ok, got, inside, want)
			}
		}
		actions := map[string]func(*rapid.T){
			"commit": func(t *rapid.T) {
				list := batch()
				w.remember(t, app1, now, list...)
				for _, r := range list {
					if _, ok := known[r.Key]; !ok {
						keys = append(keys, r.Key)
					}
					known[r.Key] = r
				}
			},
			"roll back": func(t *rapid.T) {
				list := batch()
				tx, err := w.begin()
				must(t, err)
				must(t, put(tx, app1, nil, now, func(chat.Head) chat.Rows { return chat.Rows{Repeats: list} }))
				tx.Rollback()
				check(list[0].Key)
			},
			"wait": func(t *rapid.T) {
				now += rapid.OneOf(rapid.Int64Range(0, 20), rapid.Int64Range(30, 90), rapid.Int64Range(200, 500)).Draw(t, "seconds")
			},
			"maintain": func(t *rapid.T) {
				_, err := w.store.Maintain()
				must(t, err)
			},
			"reopen": func(t *rapid.T) {
				if rapid.IntRange(0, 4).Draw(t, "rarely") == 0 {
					must(t, w.store.Reopen())
				}
			},
			"look up": func(t *rapid.T) {
				check(key(next + 1))
				for range min(len(keys), 8) {
					check(rapid.SampledFrom(keys).Draw(t, "key"))
				}
			},
		}
		t.Repeat(actions)
		for i := 0; i < len(keys); i += 1 + len(keys)/64 {
			k := keys[i]
			r, ok, err := w.store.Repeat(w.ctx, app1, k, now)
			must(t, err)
			if want := known[k]; ok != (now-want.Time <= chat.RepeatWindow) || ok && r != want {
				t.Fatalf("at the end, %d: found %v %+v, want %+v", now, ok, r, want)
			}
		}
		now += 2
	})
}
