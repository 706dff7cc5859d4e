package sqlite

import (
	"maps"

	"github.com/parley-im/parley/internal/chat"
)

// maxHeads bounds how many groups' heads are remembered.
const maxHeads = 16 << 10

// heads are the committed heads of apps and groups, as the write side last wrote
// or read them, so that a batch need not read what the one before it wrote. They
// belong to the writer's goroutine. A transaction that gives access to records,
// or whose COMMIT fails, has all of them forgotten.
type heads struct {
	apps   map[chat.AppID]chat.Head
	groups map[chat.GroupKey]chat.GroupHead
}

func (h *heads) forget() { h.apps, h.groups = nil, nil }

// keep takes over what a transaction wrote, now that it is committed.
func (h *heads) keep(t *tx) {
	if t.changes {
		h.forget()
		return
	}
	if h.apps == nil || len(h.groups)+len(t.groups) > maxHeads {
		h.apps, h.groups = make(map[chat.AppID]chat.Head), make(map[chat.GroupKey]chat.GroupHead)
	}
	maps.Copy(h.apps, t.apps)
	for _, g := range t.groups {
		h.groups[g.Key] = g
	}
}

// note remembers what Put wrote until the commit.
func (t *tx) note(app chat.AppID, rows *chat.Rows) {
	head, ok := t.apps[app]
	if !ok || t.changes {
		return
	}
	head.Next, head.Time, head.Totals = rows.Next, rows.Time, rows.Totals
	t.apps[app] = head
	t.groups = append(t.groups, rows.Groups...)
}

// appHead gives the head of an app as this transaction sees it.
func (t *tx) appHead(app chat.AppID) (chat.Head, error) {
	if t.changes {
		return t.w.head(app)
	}
	if head, ok := t.apps[app]; ok {
		return head, nil
	}
	head, ok := t.store.heads.apps[app]
	if !ok {
		var err error
		if head, err = t.w.head(app); err != nil {
			return chat.Head{}, err
		}
	}
	if head.Next > 0 { // it exists
		if t.apps == nil {
			t.apps = make(map[chat.AppID]chat.Head, 1)
		}
		t.apps[app] = head
	}
	return head, nil
}

// groupHead gives the head of a group as this transaction sees it.
func (t *tx) groupHead(key chat.GroupKey) (g chat.GroupHead, ok bool, err error) {
	if !t.changes {
		for i := len(t.groups) - 1; i >= 0; i-- {
			if t.groups[i].Key == key {
				return t.groups[i], true, nil
			}
		}
		if g, ok = t.store.heads.groups[key]; ok {
			return g, true, nil
		}
	}
	g.Key = key
	ok, err = t.w.one(row(&g.Next, &g.Time), "SELECT next, time FROM group_heads WHERE gkey = ?", int64(key))
	return g, ok, err
}
