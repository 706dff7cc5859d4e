package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/pgtest"
)

const newEpochLine = "every app begins a new epoch"

// warnedOnce checks that a server said exactly once that new epochs began.
func (s *server) warnedOnce(t *testing.T) {
	t.Helper()
	n := 0
	for _, line := range s.stderr.lines() {
		if strings.Contains(line, newEpochLine) && strings.Contains(line, "level=WARN") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d warnings of a new epoch", n)
	}
}

func TestDatabaseThatWasLoadedFromADumpBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	rc := ofApp(t, nil)
	first, second := pgtest.Database(t), pgtest.Database(t)
	s := serve(t, nil, oneApp(database(first), rc)...)
	refused := func(random uint32) received {
		t.Helper()
		_, err := s.client().SendGroupMsg(t.Context(), say("nowhere", appAdmin, random, "hello"))
		return rc.event(t, eventOf(err))
	}
	for i := range uint32(5) {
		refused(i)
	}
	eventually(t, "all callbacks are delivered", func() bool { return s.delivered(t) == 5 })
	old := shown(t, s.client())
	s.stop(t)
	pgtest.Copy(t, first, second)

	s = serve(t, nil, oneApp(database(second), rc)...)
	app := shown(t, s.client())
	if app.Epoch == old.Epoch || app.Totals != old.Totals {
		t.Errorf("the app is %+v after %+v", app, old)
	}
	e := refused(5).Delivery
	if e.Sequence < old.Head+1_000_000 || e.Epoch != app.Epoch || e.Previous != 0 {
		t.Errorf("%+v, the old journal ended at %d", e, old.Head)
	}
	eventually(t, "the callback is delivered", func() bool { return s.delivered(t) == 1 })
	s.warnedOnce(t)
	s.stop(t)

	s = serve(t, nil, oneApp(database(second), rc)...) // it is at home there now
	if again := refused(6).Delivery; again.Sequence != e.Sequence+1 || again.Epoch != e.Epoch {
		t.Errorf("%+v after %+v", again, e)
	}
	eventually(t, "the callback is delivered", func() bool { return s.delivered(t) == 1 })
	s.stop(t)
	if strings.Contains(s.stderr.String(), newEpochLine) {
		t.Error("another epoch began")
	}
	if n := len(rc.all()); n != 7 {
		t.Errorf("%d callbacks for 7 exceptions", n)
	}
	rc.noneRefused(t)
}

// The standby has all that was committed, and nobody can prove it.
func TestPromotedStandbyBeginsANewEpochAndLosesNothing(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	standby := pgtest.StartStandby(t, primary)
	pgtest.Exec(t, primary.URL("postgres"), "ALTER SYSTEM SET synchronous_standby_names = '*'")
	pgtest.Exec(t, primary.URL("postgres"), "SELECT pg_reload_conf()")
	failsToStart(t, standby.URL("postgres"), "read-only")

	rc := ofApp(t, nil)
	flags := oneApp(database(pgtest.URLOfEither("postgres", primary, standby)), rc, "--group-rate", "0")
	s := serve(t, nil, flags...)
	idle := serve(t, nil, flags...)
	lobby(t, s.client())
	old := shown(t, s.client())
	w := gather(t, 8, "lobby", "gagged", s.client())
	w.awaitMore(50)
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*server{s, idle} {
		eventually(t, "the server says that it takes no writes", func() bool { return p.health(t, "/readyz") == 503 })
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	s.awaitReady(t)
	w.awaitMore(50)
	idle.awaitReady(t)
	w.leave()

	w.settleMessages(s)
	app := shown(t, idle.client())
	if app.Epoch == old.Epoch {
		t.Error("no new epoch has begun")
	}
	for id := range w.refused {
		rc.event(t, id)
	}
	bySeq := make(map[uint64]received) // the newest: an event may come again, with the new epoch
	var seqs []uint64
	rc.await(t, "all events up to the last", func() bool { // the first of the new epoch leaves the only gap
		for _, e := range rc.list {
			bySeq[e.Delivery.Sequence] = e
		}
		seqs = slices.Sorted(maps.Keys(bySeq))
		gaps := 0
		for i := 1; i < len(seqs); i++ {
			if seqs[i] != seqs[i-1]+1 {
				gaps++
			}
		}
		return seqs[0] == 1 && gaps == 1 && seqs[len(seqs)-1] == app.Head
	})
	for _, e := range rc.all() {
		if last := bySeq[e.Delivery.Sequence]; last.Delivery.ID != e.Delivery.ID || string(last.Raw) != string(e.Raw) {
			t.Errorf("sequence %d is two events: %s and %s", e.Delivery.Sequence, e.Raw, last.Raw)
		}
	}
	begun := false // the new epoch
	events := make(map[string]int)
	for i, seq := range seqs {
		d := bySeq[seq].Delivery
		events[d.ID]++
		if i > 0 && seq != seqs[i-1]+1 {
			begun = true
			if seq < seqs[i-1]+1_000_000 {
				t.Errorf("the new epoch begins with event %d after %d", seq, seqs[i-1])
			}
		}
		if begun && d.Epoch != app.Epoch {
			t.Errorf("event %d has epoch %s, the app %s", seq, d.Epoch, app.Epoch)
		}
	}
	for id, code := range w.refused {
		if events[id] != 1 {
			t.Errorf("a sender was told %v with event %s, of which there are %d", code, id, events[id])
		}
	}
	warned := strings.Count(s.stderr.String()+idle.stderr.String(), newEpochLine)
	if warned != 1 {
		t.Errorf("%d warnings of a new epoch", warned)
	}
	for _, p := range []*server{s, idle} {
		p.balance(t)
		p.stop(t)
	}
}
