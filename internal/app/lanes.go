package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/delivery"
)

// turns is a store that several processes share, of which one delivers.
type turns interface {
	// Alone calls f while this process has the turn, and again whenever it has it
	// anew, until ctx ends. f returns soon after its context has ended: then the
	// turn is lost or given back.
	Alone(ctx context.Context, f func(context.Context))
}

// lanes are the server's deliverer: always, or while it is this process's turn.
// They are the [chat.Offers] of the backend.
type lanes struct {
	turns   turns // nil: the store is this process's alone
	log     *slog.Logger
	options delivery.Options
	current atomic.Pointer[delivery.Deliverer] // nil while another process delivers

	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
}

// newLanes makes the lanes; their options are set before start.
func newLanes(s store, log *slog.Logger) *lanes {
	l := &lanes{log: log, done: make(chan struct{})}
	l.turns, _ = s.(turns)
	return l
}

// deliverer is the one that runs now; nil while another process delivers.
func (l *lanes) deliverer() *delivery.Deliverer { return l.current.Load() }

// start begins to deliver the journals of a started backend, at once or when it
// is this process's turn.
func (l *lanes) start(b *chat.Backend) {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	if l.turns == nil {
		d := l.begin(b)
		go func() {
			defer close(l.done)
			<-ctx.Done()
			l.end(d)
		}()
		return
	}
	go func() {
		defer close(l.done)
		l.turns.Alone(ctx, func(turn context.Context) {
			l.log.Info("this process delivers the callbacks")
			d := l.begin(b)
			<-turn.Done()
			l.end(d)
			if ctx.Err() == nil {
				l.log.Warn("this process has lost its turn to deliver callbacks")
			}
		})
	}()
}

func (l *lanes) begin(b *chat.Backend) *delivery.Deliverer {
	d := delivery.New(l.options)
	l.current.Store(d)
	d.Start(b)
	return d
}

func (l *lanes) end(d *delivery.Deliverer) {
	d.Stop()
	l.current.Store(nil)
}

// stop ends the lanes; the backend must still be running. It may be called more
// than once, and before start.
func (l *lanes) stop() {
	l.once.Do(func() {
		if l.cancel != nil {
			l.cancel()
			<-l.done
		}
	})
}

func (l *lanes) Offer(app chat.AppID, events []chat.Event) {
	if d := l.current.Load(); d != nil {
		d.Offer(app, events)
	}
}

func (l *lanes) Changed(app chat.AppID) {
	if d := l.current.Load(); d != nil {
		d.Changed(app)
	}
}

func (l *lanes) Behind(app chat.AppID, head chat.Sequence) {
	if d := l.current.Load(); d != nil {
		d.Behind(app, head)
	}
}
