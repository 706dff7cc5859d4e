package chat_test

import (
	"context"
	"errors"
	"sync"

	"github.com/parley-im/parley/internal/chat"
)

// faulty is a real store that fails on demand.
type faulty struct {
	chat.Store
	mu sync.Mutex
	// begin is called when a transaction begins.
	begin func()
	// put may refuse rows; commit says how a COMMIT ends; reopen may fail.
	put    func(*chat.Rows) error
	commit func() (really bool, err error)
	reopen func() error
	// maintain may fail, and apps is called when an app is read.
	maintain func() error
	apps     func()
	sizes    []int // sends of each transaction that was committed
	opened   int   // how often it was opened again
}

var errDisk = errors.New("disk I/O error")

func (f *faulty) set(change func(*faulty)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *faulty) Begin() (chat.Tx, error) {
	f.mu.Lock()
	begin := f.begin
	f.mu.Unlock()
	if begin != nil {
		begin()
	}
	tx, err := f.Store.Begin()
	return &faultyTx{Tx: tx, f: f}, err
}

func (f *faulty) Maintain() (bool, error) {
	f.mu.Lock()
	maintain := f.maintain
	f.mu.Unlock()
	if maintain != nil {
		if err := maintain(); err != nil {
			return false, err
		}
	}
	return f.Store.Maintain()
}

func (f *faulty) App(ctx context.Context, id chat.AppID) (chat.App, bool, error) {
	f.mu.Lock()
	apps := f.apps
	f.mu.Unlock()
	if apps != nil {
		apps()
	}
	return f.Store.App(ctx, id)
}

func (f *faulty) Reopen() error {
	f.mu.Lock()
	reopen := f.reopen
	f.opened++
	f.mu.Unlock()
	if reopen != nil {
		if err := reopen(); err != nil {
			return err
		}
	}
	return f.Store.Reopen()
}

type faultyTx struct {
	chat.Tx
	f     *faulty
	sends int
}

func (tx *faultyTx) Put(app chat.AppID, rows *chat.Rows) error {
	tx.f.mu.Lock()
	put := tx.f.put
	tx.f.mu.Unlock()
	if put != nil {
		if err := put(rows); err != nil {
			return err
		}
	}
	tx.sends += len(rows.Messages) + len(rows.Events)
	return tx.Tx.Put(app, rows)
}

func (tx *faultyTx) Commit() error {
	tx.f.mu.Lock()
	commit := tx.f.commit
	tx.f.mu.Unlock()
	if commit != nil {
		if really, err := commit(); err != nil {
			if really {
				_ = tx.Tx.Commit()
			} else {
				tx.Tx.Rollback()
			}
			return err
		}
	}
	err := tx.Tx.Commit()
	if err == nil {
		tx.f.set(func(f *faulty) { f.sizes = append(f.sizes, tx.sends) })
	}
	return err
}
