package disk

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often the disk is looked at: half a gigabyte does not fill up
// in that time, and a look costs a microsecond.
const lookEvery = 250 * time.Millisecond

// ballastAgain is the pause after the ballast could not be made or removed.
const ballastAgain = 30 * time.Second

// Options are what a watch needs.
type Options struct {
	Dir     string
	Marks   Marks
	Ballast int64 // bytes of the ballast; 0 is none
	// Free is how much room the disk of Dir has; nil asks the system.
	Free func() (int64, error)
	// Changed, which may be nil, is called from the watch after each change of the
	// state; it must not block.
	Changed func(State)
	Log     *slog.Logger // nil discards it
}

// Watch looks at a disk until it is stopped. Make one with [Start]. A nil Watch
// is of a disk with room.
type Watch struct {
	o    Options
	seen atomic.Pointer[Reading]
	look chan struct{}
	quit chan struct{}
	done chan struct{}
	stop sync.Once

	// Of the loop alone:
	given  int64 // bytes that removing the ballast gave, while that state lasts
	failed time.Time
	blind  bool // the last look failed
}

// Reading is what was last seen.
type Reading struct {
	State State
	Free  int64 // bytes
	Mark  int64 // below which the state begins; 0 for OK
}

// Start looks once, makes the ballast if there is room for it above the low mark,
// and goes on to look.
func Start(o Options) *Watch {
	if o.Free == nil {
		o.Free = func() (int64, error) { return Free(o.Dir) }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &Watch{o: o, look: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	w.seen.Store(&Reading{})
	w.turn()
	go w.loop()
	return w
}

// Stop ends the looking. The ballast stays.
func (w *Watch) Stop() {
	if w == nil {
		return
	}
	w.stop.Do(func() { close(w.quit) })
	<-w.done
}

// Read is what was last seen; it never blocks.
func (w *Watch) Read() Reading {
	if w == nil {
		return Reading{}
	}
	return *w.seen.Load()
}

// Look has the disk looked at at once: a write failed. It never blocks.
func (w *Watch) Look() {
	if w == nil {
		return
	}
	select {
	case w.look <- struct{}{}:
	default:
	}
}

func (w *Watch) loop() {
	defer close(w.done)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-w.look:
		case <-w.quit:
			return
		}
		w.turn()
	}
}

// turn looks once and does what follows from it.
func (w *Watch) turn() {
	free, err := w.o.Free()
	if err != nil {
		if !w.blind {
			w.o.Log.Error("disk.unknown", "folder", w.o.Dir, "error", err, "meaning", "the free room cannot be read; the last state stays")
		}
		w.blind = true
		return
	}
	w.blind = false
	before := w.seen.Load().State
	now := w.o.Marks.Next(before, free-w.given)
	if now == Critical && before != Critical {
		w.drop()
		if seen, err := w.o.Free(); err == nil {
			free = seen
		}
	}
	if now != Critical {
		w.given = 0
	}
	w.seen.Store(&Reading{State: now, Free: free, Mark: w.mark(now)})
	if now != before {
		w.tell(before, now, free)
		if w.o.Changed != nil {
			w.o.Changed(now)
		}
	}
	if now == OK {
		w.restore(free)
	}
}

func (w *Watch) mark(s State) int64 {
	switch s {
	case Low:
		return w.o.Marks.Low
	case Critical:
		return w.o.Marks.Critical
	}
	return 0
}

// drop removes the ballast.
func (w *Watch) drop() {
	size, err := RemoveBallast(w.o.Dir)
	if err != nil {
		w.o.Log.Error("disk.ballast", "folder", w.o.Dir, "error", err)
		return
	}
	if w.given = size; size > 0 {
		w.o.Log.Warn("disk.ballast", "folder", w.o.Dir, "removed", MB(size), "meaning", "cursors, checkpoints and deletions have this room now")
	}
}

// restore makes the ballast where there is room for it above the low mark.
func (w *Watch) restore(free int64) {
	have := ballast(w.o.Dir)
	if w.o.Ballast <= 0 || have >= w.o.Ballast || free+have < w.o.Marks.Low+w.o.Marks.Low/8+w.o.Ballast ||
		time.Since(w.failed) < ballastAgain {
		return
	}
	if err := makeBallast(w.o.Dir, w.o.Ballast); err != nil {
		w.failed = time.Now()
		w.o.Log.Warn("disk.ballast", "folder", w.o.Dir, "error", err, "meaning", "it is tried again in 30 s")
		return
	}
	w.o.Log.Info("disk.ballast", "folder", w.o.Dir, "made", MB(w.o.Ballast))
}

// tell logs a change in words that help at night.
func (w *Watch) tell(before, now State, free int64) {
	args := []any{"folder", w.o.Dir, "free", MB(free), "low", MB(w.o.Marks.Low), "critical", MB(w.o.Marks.Critical), "was", before.String()}
	switch now {
	case Critical:
		w.o.Log.Error("disk.critical", append(args, "meaning", "no send begins any more (HTTP 503); free some room, the server goes on by itself")...)
	case Low:
		w.o.Log.Warn("disk.low", append(args, "meaning", "sends are refused with 10002 and recorded; free some room, the server goes on by itself")...)
	case OK:
		w.o.Log.Info("disk.ok", append(args, "meaning", "sends are taken again")...)
	}
}

// MB is a number of bytes for people.
func MB(n int64) string {
	if n < 10<<20 {
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d MB", n>>20)
}
