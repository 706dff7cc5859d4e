package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
)

// run is a server under load, with endpoints that behave badly, and everything
// that is to agree at its end.
type run struct {
	t         *testing.T
	dice      *rand.Rand
	start     func() *server
	seen      func() place // where the store is, for the test
	server    *server
	senders   *senders
	endpoints []*moody
	kills     int
	sick      bool // the store takes no writes, and so no change of an endpoint
	began     time.Time
}

// ledgerSeed is what the run is drawn from: PARLEY_LEDGER_SEED, or a new one.
func ledgerSeed(t *testing.T) uint64 {
	seed, err := strconv.ParseUint(os.Getenv("PARLEY_LEDGER_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("PARLEY_LEDGER_SEED=%d", seed)
	return seed
}

// A server is killed at random moments, under load, while its receivers hang,
// lie, reset, redirect, answer late or garbage, go away and come back. In the
// end the senders, the app's totals, the journal and the endpoints agree on
// every single send.
func TestLedger(t *testing.T) {
	if !long {
		t.Parallel()
	}
	for _, e := range []engine{inSQLite, inPostgres} {
		t.Run(string(e), func(t *testing.T) {
			if !long {
				t.Parallel()
			}
			r := newRun(t, e.place(t), nil)
			kills, rounds, pace := 2, 2, 600
			if long {
				kills, rounds, pace = 12, 3, 1500
			}
			for range kills {
				for range rounds {
					r.change()
					r.senders.awaitMore(pace)
				}
				r.change()
				r.senders.awaitMore(1 + r.dice.IntN(pace))
				r.kill()
			}
			r.change()
			r.senders.awaitMore(pace)
			r.close()
		})
	}
}

// newRun starts a server on an empty place, and senders.
func newRun(t *testing.T, p place, start func(flags ...string) *server) *run {
	seed := ledgerSeed(t)
	r := &run{t: t, seen: func() place { return p }, dice: rand.New(rand.NewPCG(seed, 0)), began: time.Now()}
	if start == nil {
		start = func(flags ...string) *server { return serve(t, nil, flags...) }
	}
	trust := newAuthority(t)
	clock := new(atomic.Int64)
	all := []mood{well, hangs, lies, resets, moves, late, tooLate, garbage, noJSON, half, endless, throttle, overload, missing, fails, away, mixed}
	primary := newMoody(t, nil, clock, api.PrimaryEndpoint, 5*time.Second, well, hangs, resets, late, away, overload)
	everything := newMoody(t, trust, clock, "everything", time.Second, all...)
	everything.commands = []string{exceptionCommand, afterSendCommand}
	inOrder := newMoody(t, nil, clock, "in-order", time.Second, all...)
	inOrder.inOrder = true
	filtered := newMoody(t, nil, clock, "filtered", time.Second, all...)
	filtered.codes = []int{int(api.CodeGroupNotFound), int(api.CodeSensitiveText)}
	some := newMoody(t, trust, clock, "some-groups", time.Second, well, gone, lies, tooLarge, mixed)
	some.commands = []string{exceptionCommand, afterSendCommand}
	some.inOrder = true
	for i := range 20 {
		some.groups = append(some.groups, ledgerGroup(i))
	}
	some.groups = append(some.groups, ledgerHot)
	poisoned := newMoody(t, nil, clock, "poisoned", time.Second, mixed)
	r.endpoints = []*moody{primary, everything, inOrder, filtered, some, poisoned}

	flags := oneApp(p, nil, "--callback-url", primary.url, "--callback-token", appToken, "--group-rate", "20", "--log-level", "error")
	r.start = func() *server { return start(flags...) }
	r.server = r.start()
	c := r.server.client()
	retry := []int{1, 1, 2}
	for _, m := range r.endpoints[1:] {
		change := api.EndpointChange{Retry: retry}
		switch m {
		case inOrder, some:
			change.GroupHold = ptr(3)
		case filtered:
			change.Rate = ptr(400)
		}
		m.add(t, c, change)
	}
	groups := 200
	prepareLedger(t, c, groups)
	r.senders = beginLedger(t, r.server, 16, groups, seed)
	return r
}

// change gives every endpoint another mood, and resumes those that were paused.
func (r *run) change() {
	r.t.Helper()
	var says []string
	for _, m := range r.endpoints {
		next := m.moods[r.dice.IntN(len(m.moods))]
		m.be(next)
		if slices.Contains(m.moods, gone) {
			r.resume(m)
		}
		says = append(says, m.id+" "+string(next))
	}
	r.t.Logf("%.1f s: %s", time.Since(r.began).Seconds(), strings.Join(says, ", "))
}

func (r *run) resume(m *moody) {
	r.t.Helper()
	if _, err := r.server.client().ResumeEndpoint(r.t.Context(), m.id); err != nil && !r.sick {
		r.t.Errorf("endpoint %s could not be resumed: %v", m.id, err)
	}
}

// kill ends the server as SIGKILL does, and starts it again.
func (r *run) kill() {
	r.t.Helper()
	r.server.kill(r.t)
	r.server = r.start()
	r.kills++
	r.senders.move(r.server)
	r.t.Logf("%.1f s: killed and started", time.Since(r.began).Seconds())
}

// close waits for the end of all deliveries, ends the server and compares.
func (r *run) close() {
	t := r.t
	t.Helper()
	r.senders.leave()
	loaded := time.Since(r.began)
	for _, m := range r.endpoints {
		m.be(well)
		if slices.Contains(m.moods, gone) {
			r.resume(m)
		}
	}
	r.awaitSettled()
	settled := time.Since(r.began) - loaded
	s, c := r.server, r.server.client()
	b := &books{told: r.senders.told}
	metrics, l := s.metrics(t), s.ledger(t, appID)
	now := r.senders.now
	b.last = lastLife{
		attempts: l.Attempts, ok: l.Accepted + l.Repeated, refused: l.Refused, dropped: l.Dropped,
		unanswered: int(metrics[fmt.Sprintf(`parley_unanswered_sends{app="%d"}`, appID)]),
		calls:      now.calls, toldOK: now.ok, toldRefused: now.refused, toldDropped: now.dropped, unknown: now.unknown,
	}
	if n := metrics["parley_unrecorded_refusals"]; n != 0 {
		t.Errorf("parley_unrecorded_refusals is %v", n)
	}
	app := shown(t, c)
	b.head, b.epoch, b.totals = app.Head, app.Epoch, app.Totals
	events := r.journal(c)
	s.stop(t)
	for _, m := range r.endpoints {
		m.close() // what was under way has ended
		b.endpoints = append(b.endpoints, &m.account)
	}
	look(t, r.seen()).read(b)
	differences := append(b.audit(), b.compareShown(events)...)
	t.Log("\n" + b.table(r, loaded, settled))
	for _, d := range differences {
		t.Error(d)
	}
}

// journal is what the server shows of its events.
func (r *run) journal(c *api.Client) (list []api.Event) {
	r.t.Helper()
	for after := uint64(0); ; {
		page, err := c.Events(r.t.Context(), api.EventsRequest{After: after, Limit: api.MaxEventsLimit, NoBody: true})
		if err != nil {
			r.t.Fatal(err)
		}
		list = append(list, page.Events...)
		if after = page.Next; !page.More {
			return list
		}
	}
}

// awaitSettled waits until nothing is on its way to any endpoint.
func (r *run) awaitSettled() {
	r.t.Helper()
	var open, before string
	ctx, late := r.t.Context(), time.Now().Add(patience)
	for again := time.NewTicker(50 * time.Millisecond); ; {
		m := r.server.metrics(r.t)
		open = ""
		for _, e := range r.endpoints {
			labels := fmt.Sprintf(`{app="%d",endpoint="%s"}`, appID, e.id)
			backlog, here := m["parley_delivery_backlog"+labels]
			if waiting, flying := m["parley_delivery_waiting"+labels], m["parley_delivery_in_flight"+labels]; !here || backlog+waiting+flying > 0 {
				open += fmt.Sprintf("%s has a backlog of %v, %v wait, %v are under way; ", e.id, backlog, waiting, flying)
			}
		}
		if open == "" {
			again.Stop()
			return
		}
		if open != before { // a long run leaves much to deliver
			before, late = open, time.Now().Add(patience)
		}
		if time.Now().After(late) {
			again.Stop()
			r.t.Errorf("not all is settled: %s", open) // the books say which
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// table is the ledger for people.
func (b *books) table(r *run, loaded, settled time.Duration) string {
	var w strings.Builder
	refused, told10002 := 0, 0
	for _, f := range b.told.refused {
		refused += f.n
		if f.code == api.CodeInternal {
			told10002 += f.n
		}
	}
	fmt.Fprintf(&w, "%d calls in %.1f s, killed %d times: %d accepted, %d refused, %d dropped, %d repeated, %d without an answer; %.1f s until all was settled\n",
		b.told.calls, loaded.Seconds(), r.kills, len(b.told.accepted), refused, b.told.dropped, b.told.repeated, b.told.unknown, settled.Seconds())
	fmt.Fprintf(&w, "totals of the app: %+v; %d events in the journal, %d messages stored; %d were told 10002\n", b.totals, len(b.journal), len(b.messages), told10002)
	var codes []string
	for code, n := range r.senders.codes {
		codes = append(codes, fmt.Sprintf("%d: %d", code, n))
	}
	slices.Sort(codes)
	fmt.Fprintf(&w, "codes: %s\n", strings.Join(codes, ", "))
	fmt.Fprintf(&w, "%-12s %8s %9s %9s %6s %9s  %s\n", "endpoint", "for it", "requests", "delivered", "dead", "twice", "moods met")
	for _, a := range b.endpoints {
		wanted, taken, twice := 0, make(map[uint64]int), 0
		moods := make(map[string]int)
		for i := range a.arrivals {
			moods[a.arrivals[i].mood]++
			if a.arrivals[i].took != 0 {
				taken[a.arrivals[i].seq]++
			}
		}
		for _, n := range taken {
			twice += n - 1
		}
		for i := range b.journal {
			if a.wants(&b.journal[i]) {
				wanted++
			}
		}
		fmt.Fprintf(&w, "%-12s %8d %9d %9d %6d %9d  %d\n", a.id, wanted, len(a.arrivals), len(taken), len(a.dead), twice, len(moods))
	}
	return w.String()
}

// compareShown compares the journal that the server showed with the stored one.
func (b *books) compareShown(list []api.Event) (differences []string) {
	for i := range max(len(list), len(b.journal)) {
		switch {
		case i >= len(list) || i >= len(b.journal):
			return append(differences, fmt.Sprintf("/v1/events: %d events are shown, %d stored", len(list), len(b.journal)))
		case list[i].Sequence != b.journal[i].seq || list[i].EventId != b.journal[i].id:
			return append(differences, fmt.Sprintf("/v1/events: shows event %d (%s) for %s", list[i].Sequence, list[i].EventId, &b.journal[i]))
		}
	}
	return differences
}
