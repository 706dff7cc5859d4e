package e2e

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
)

// goodBooks are small books that agree: three refusals, one of which its sender
// was never told, an accepted message with its event, a repeat; one endpoint
// that takes everything in order, where one event died, and one that takes
// refusals with one code.
func goodBooks() *books {
	refusal := func(seq uint64, id, group string, code int) entry {
		return entry{seq: seq, id: id, command: exceptionCommand, code: code, group: group, count: 1, body: seq * 10}
	}
	b := &books{
		head: 4, epoch: "epoch", totals: api.AppTotals{Accepted: 1, Refused: 3, Repeated: 1},
		last: lastLife{attempts: 5, ok: 2, refused: 3, calls: 5, toldOK: 2, toldRefused: 2, unknown: 1},
		told: told{
			calls: 5, repeated: 1, unknown: 1, accepted: map[uint32]acceptance{7: {"g", 1, 1000}},
			refused: map[string]refused{"one": {10010, 1}, "two": {80001, 1}},
		},
		journal: []entry{
			refusal(1, "one", "nowhere", 10010), refusal(2, "two", "g", 80001),
			{seq: 3, id: "three", command: afterSendCommand, group: "g", count: 1, body: 30, message: 1}, refusal(4, "four", "g", 80001),
		},
		messages: []message{{gkey: 9, seq: 1, random: 7}},
	}
	arrives := func(seq, previous, settled uint64, began, took int64) arrival {
		e := b.journal[seq-1]
		return arrival{seq: seq, previous: previous, settled: settled, id: e.id, epoch: "epoch", command: e.command, group: e.group,
			attempt: 1, count: 1, body: e.body, began: began, took: took, mood: "well"}
	}
	again := arrives(2, 1, 1, 5, 0)
	again.attempt = 2
	b.endpoints = []*account{
		{id: "all", commands: []string{exceptionCommand, afterSendCommand}, inOrder: true, cursor: 4, dead: map[uint64]string{2: "it objects"},
			arrivals: []arrival{arrives(1, 0, 0, 1, 2), arrives(2, 1, 0, 3, 0), again, arrives(3, 2, 2, 7, 8), arrives(4, 3, 3, 11, 12)}},
		{id: "one-code", commands: []string{exceptionCommand}, codes: []int{80001}, cursor: 4,
			arrivals: []arrival{arrives(2, 0, 0, 4, 6), arrives(4, 2, 3, 9, 10)}},
	}
	return b
}

// The comparison finds every kind of difference: what it would not find would
// not have been tested.
func TestTheLedgerFindsEachFault(t *testing.T) {
	t.Parallel()
	for _, d := range goodBooks().audit() {
		t.Errorf("good books: %s", d)
	}
	for name, c := range map[string]struct {
		spoil func(*books)
		finds string
	}{
		"a refusal without an event":              {func(b *books) { b.told.refused["none"] = refused{10017, 1} }, "not in the journal"},
		"10002 without an event, nobody killed":   {func(b *books) { b.told.refused["none"] = refused{api.CodeInternal, 1} }, "not in the journal"},
		"an event nobody was told of":             {func(b *books) { b.told.unknown = 0 }, "calls had no answer"},
		"another code than was told":              {func(b *books) { b.told.refused["one"] = refused{10017, 1} }, "senders were told 10017"},
		"a record that counts too few":            {func(b *books) { b.told.refused["one"] = refused{10010, 2} }, "2 senders were told of event 1"},
		"a gap in the sequence":                   {func(b *books) { b.journal[2].seq = 5; b.journal[3].seq = 6; b.head = 6 }, "stands where 3 belongs"},
		"two events with one id":                  {func(b *books) { b.journal[3].id = "two" }, "has the id of event 2"},
		"an event lost at the end":                {func(b *books) { b.journal = b.journal[:3] }, "the app says that it ends at 4"},
		"an accepted message lost":                {func(b *books) { b.messages = nil }, "message 7 was accepted as 1"},
		"an accepted message stored twice":        {func(b *books) { b.messages = append(b.messages, message{9, 2, 7}) }, "is stored as 1 and 2"},
		"a message nobody was told of":            {func(b *books) { b.messages = append(b.messages, message{9, 2, 8}) }, "its sender was never told so"},
		"a gap in a group":                        {func(b *books) { b.messages[0].seq = 2; b.told.accepted[7] = acceptance{"g", 2, 1000} }, "has number 2 where 1 belongs"},
		"a message without its event":             {func(b *books) { b.journal[2].message = 2 }, "has 0 events"},
		"a message with two events":               {func(b *books) { b.journal[3] = b.journal[2]; b.journal[3].seq = 4; b.journal[3].id = "four" }, "has 2 events"},
		"accepted counted twice":                  {func(b *books) { b.totals.Accepted = 2 }, "totals: 2 accepted"},
		"refused counted too low":                 {func(b *books) { b.totals.Refused = 2 }, "totals: 2 refused"},
		"dropped, and nobody was told":            {func(b *books) { b.totals.Dropped, b.totals.Refused, b.told.unknown = 1, 2, 0 }, "totals: 1 dropped"},
		"repeated counted too often":              {func(b *books) { b.totals.Repeated = 3 }, "totals: 3 repeated"},
		"metrics that do not add up":              {func(b *books) { b.last.attempts = 6 }, "last life: 6 attempts, but"},
		"metrics without a refusal":               {func(b *books) { b.last.refused, b.last.attempts = 1, 3 }, "last life: 1 refused"},
		"an answer that cannot be":                {func(b *books) { b.told.faults = []string{"repeated as 8"} }, "answers: repeated as 8"},
		"an event that never came":                {func(b *books) { a := b.endpoints[1]; a.arrivals = a.arrivals[:1] }, "event 4 (four"},
		"an event that was never taken":           {func(b *books) { b.endpoints[1].arrivals[1].took = 0 }, "neither delivered nor is it a dead letter"},
		"an event that is not for it":             {func(b *books) { b.endpoints[1].codes = []int{10010} }, "is not for it and came"},
		"a dead letter that is not for it":        {func(b *books) { b.endpoints[1].dead = map[uint64]string{3: "no"} }, "is a dead letter and not for it"},
		"an event that still waits":               {func(b *books) { b.endpoints[0].waiting = []uint64{4} }, "event 4 still waits"},
		"a cursor that stays behind":              {func(b *books) { b.endpoints[0].cursor = 3 }, "its cursor stands at 3"},
		"a request with another id":               {func(b *books) { b.endpoints[0].arrivals[0].id = "another" }, "came with id another"},
		"a request with another body":             {func(b *books) { b.endpoints[0].arrivals[0].body = 1 }, "the same body: false"},
		"a request with another epoch":            {func(b *books) { b.endpoints[0].arrivals[0].epoch = "older" }, "came with epoch older"},
		"a request of no event":                   {func(b *books) { b.endpoints[0].arrivals[0].seq = 99 }, "event 99 (one) came"},
		"a broken chain":                          {func(b *books) { b.endpoints[1].arrivals[1].previous = 1 }, "came with Previous 1, it is 2"},
		"attempts that count backwards":           {func(b *books) { b.endpoints[0].arrivals[1].attempt = 3 }, "with attempt 2 after attempt 3"},
		"settled too early":                       {func(b *books) { b.endpoints[1].arrivals[0].settled = 2 }, "event 2 was not delivered before"},
		"settled beyond the end":                  {func(b *books) { b.endpoints[0].arrivals[4].settled = 7 }, "beyond the end"},
		"out of order in a group":                 {func(b *books) { b.endpoints[0].arrivals[3].took = 13 }, "came before event 3 of its group was taken"},
		"a request that cannot be":                {func(b *books) { b.endpoints[0].faults = []string{"a redirect was followed"} }, "a redirect was followed"},
		"10002 lost, killed after it was refused": {func(b *books) { b.killed = true; b.told.refused["none"] = refused{10017, 1} }, "not in the journal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := goodBooks()
			c.spoil(b)
			if all := strings.Join(b.audit(), "\n"); !strings.Contains(all, c.finds) {
				t.Errorf("the audit does not say %q:\n%s", c.finds, all)
			}
		})
	}
}

func TestTheLedgerLets10002BeLostInAKillOfASickStore(t *testing.T) {
	t.Parallel()
	b := goodBooks()
	b.killed = true
	b.told.refused["none"] = refused{api.CodeInternal, 1}
	b.last.unknown, b.told.unknown = 2, 2
	for _, d := range b.audit() {
		t.Error(d)
	}
}
