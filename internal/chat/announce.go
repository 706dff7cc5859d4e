package chat

import "time"

// CommandStateChange tells of logins and logouts (document 1047/34357).
const CommandStateChange = "State.StateChange"

// Announcement is an event that no send made.
type Announcement struct {
	Command  string
	Group    GroupID // empty: of no group
	From     UserID
	ClientIP string
	Platform string // OptPlatform
	// Body makes the body; it is called by the writer and must not block.
	Body func(eventTime int64) []byte
}

// maxBeside is how many announcements, and read positions, may wait for the
// writers.
const maxBeside = 16384

// Announce puts an event into the app's journal if an endpoint wants it, with the
// next batch or 100 ms later. Nobody waits for it: one that cannot be written, or
// finds too many waiting, is dropped and counted; one whose COMMIT failed may be
// there twice, with one id.
func (b *Backend) Announce(app AppID, n Announcement) {
	a, ok := b.tenant(app)
	if !ok || !a.wanted(&Event{Command: n.Command, Group: n.Group}) {
		return
	}
	if b.announcing.Add(1) > maxBeside {
		b.announcing.Add(-1)
		b.dropAnnouncement(app)
		return
	}
	f := &flush{app: app, id: NewAttemptID(b.Now()), news: &n}
	f.done = func(err error) {
		b.announcing.Add(-1)
		if err != nil {
			b.dropAnnouncement(app)
		}
	}
	if !b.writers.with(app, func(w *writer) bool { return w.queue.putLazy(f, nil, Totals{}) }) {
		f.done(ErrStopped)
	}
}

// Unannounced is how many announcements were dropped.
func (b *Backend) Unannounced() uint64 { return b.unannounced.Load() }

func (b *Backend) dropAnnouncement(app AppID) {
	b.unannounced.Add(1)
	now := time.Now().Unix()
	if last := b.dropLogged.Load(); now-last >= 60 && b.dropLogged.CompareAndSwap(last, now) {
		b.log.Warn("an event was not announced: too many wait, or the store takes none", "app", app, "dropped_until_now", b.unannounced.Load())
	}
}

// announce plans the event of an announcement. What an endpoint wanted when it
// was made may be wanted by none now; the lanes judge that.
func (s *share) announce(f *flush) {
	n := f.news
	s.rows.Events = append(s.rows.Events, Event{
		App: s.tenant.id, Seq: s.rows.Next, ID: f.id, Attempt: f.id, Command: n.Command, Time: s.rows.Time, Count: 1,
		ClientIP: n.ClientIP, Platform: n.Platform, Group: n.Group, From: n.From, Body: n.Body(s.rows.Time),
	})
	s.rows.Next++
}
