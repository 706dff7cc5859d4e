package chat

import (
	"sync"
	"time"
)

// rates count an app's sends per second. A window begins with the first send
// in it and lasts one second of monotonic time; a send that is over the limit
// is not counted, so hammering does not lengthen the wait.
type rates struct {
	groups     windows[GroupKey]
	senders    windows[UserID]
	api        windows[struct{}]
	exceptions windows[struct{}]
}

// window is the count of one second.
type window struct {
	start time.Time
	count int
}

// windows are the windows of many keys. Those that are over are forgotten when
// the map has doubled since the last sweep, so memory follows the keys of one
// second.
type windows[K comparable] struct {
	mu    sync.Mutex
	open  map[K]window
	sweep int
}

// usage is what a frequency rule compares.
type usage struct {
	Limit int           // per second; 0 is unlimited
	Count int           // sends in this window, this one included
	Left  time.Duration // until the window ends
}

func (u usage) over() bool { return u.Limit > 0 && u.Count > u.Limit }

// take counts one send of key and says how the window stands.
func (w *windows[K]) take(key K, limit int, now time.Time) usage {
	if limit <= 0 {
		return usage{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open, w.sweep = make(map[K]window), 1024
	}
	win, ok := w.open[key]
	if age := now.Sub(win.start); !ok || age >= time.Second || age < 0 {
		if len(w.open) >= w.sweep {
			w.forget(now)
		}
		win = window{start: now}
	}
	u := usage{Limit: limit, Count: win.count + 1, Left: time.Second - now.Sub(win.start)}
	if !u.over() {
		win.count++
	}
	w.open[key] = win
	return u
}

// give takes back one send of key that was counted in this window.
func (w *windows[K]) give(key K, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if win, ok := w.open[key]; ok && win.count > 0 && now.Sub(win.start) < time.Second {
		win.count--
		w.open[key] = win
	}
}

func (w *windows[K]) forget(now time.Time) {
	for k, win := range w.open {
		if now.Sub(win.start) >= time.Second {
			delete(w.open, k)
		}
	}
	w.sweep = max(1024, 2*len(w.open))
}
