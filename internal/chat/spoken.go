package chat

import "time"

// Members' last words are written once a second, not with every message: they
// are for people to look at, and a row for each message would cost as much as
// the message. A kill loses at most that second of them.
const (
	spokenEvery = time.Second
	maxSpoken   = 4096 // members remembered until then
)

// spoken are the members whose last words are not written yet. It belongs to
// the writer.
type spoken struct {
	times map[*tenant]map[StandingID]int64
	count int
	since time.Time // when the first of them spoke
}

func (s *spoken) note(a *tenant, g GroupKey, u UserID, at int64) {
	of := s.times[a]
	if of == nil {
		if s.times == nil {
			s.times = make(map[*tenant]map[StandingID]int64)
		}
		of = make(map[StandingID]int64)
		s.times[a] = of
	}
	if s.count == 0 {
		s.since = time.Now()
	}
	if _, known := of[StandingID{g, u}]; !known {
		s.count++
	}
	of[StandingID{g, u}] = at
}

// due is how long it takes until they are to be written; 0 is now, negative is
// never.
func (s *spoken) due() time.Duration {
	switch {
	case s.count == 0:
		return -1
	case s.count >= maxSpoken:
		return 0
	}
	return max(0, spokenEvery-time.Since(s.since))
}

// rows are those of one app, if they are due.
func (s *spoken) rows(a *tenant) (list []Spoken) {
	if s.due() != 0 {
		return nil
	}
	for who, at := range s.times[a] {
		list = append(list, Spoken{Group: who.Group, User: who.User, Time: at})
	}
	return list
}

// written forgets what is on disk now.
func (s *spoken) written(a *tenant, list []Spoken) {
	for _, w := range list {
		who := StandingID{w.Group, w.User}
		if s.times[a][who] == w.Time {
			delete(s.times[a], who)
			s.count--
		}
	}
	if len(s.times[a]) == 0 {
		delete(s.times, a)
	}
	if len(list) > 0 {
		s.since = time.Now()
	}
}

// apps names the apps that have some, for a batch that has nothing else.
func (s *spoken) apps() map[*tenant]Totals {
	all := make(map[*tenant]Totals, len(s.times))
	for a := range s.times {
		all[a] = Totals{}
	}
	return all
}
