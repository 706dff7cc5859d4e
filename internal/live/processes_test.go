package live_test

import (
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/wire"
)

func newProcess(t *testing.T, database string) *world {
	t.Helper()
	store, err := postgres.Open(t.Context(), database, postgres.Options{Erase: wire.Erase})
	if err != nil {
		t.Fatal(err)
	}
	return newWorldOver(t, store, func(*chat.Options) {})
}

// Two processes on one database: what one commits the other pushes, in the order
// of the commits, and who is taken out by one hears nothing more from the other.
func TestWhatOneProcessCommitsTheOtherPushes(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	a, b := newProcess(t, database), newProcess(t, database)
	a.makeApps(t)
	b.eventually(t, "the app at the other process", func() bool { _, ok := b.backend.App(other); return ok })
	a.group(t, "g", chat.Public, "ann", "bob", "cid")
	ann, bob, cid := a.phone(t, "ann"), b.phone(t, "bob"), b.phone(t, "cid")
	for round := range 3 {
		a.say(ann, "g", "one")
		// In the first round the notice of the group may still be on its way.
		first, second := bob.nextOf("Message"), cid.nextOf("Message")
		if words(first) != "one" || words(second) != "one" || first.MsgSeq != second.MsgSeq {
			t.Fatalf("round %d: bob heard %s, cid %s", round, first.text, second.text)
		}
		a.say(ann, "g", "before")
		if err := a.backend.DeleteMembers(t.Context(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}); err != nil {
			t.Fatal(err)
		}
		a.say(ann, "g", "after")
		for _, want := range []string{"before", ""} {
			if got := bob.next(); words(got) != want || want == "" && got.Event != "MemberLeft" {
				t.Fatalf("round %d: bob heard %s, want %q", round, got.text, want)
			}
		}
		await(t, "the end of bob's subscription", bob.leaves)
		for _, want := range []string{"before", "", "after"} {
			if got := cid.next(); words(got) != want {
				t.Fatalf("round %d: cid heard %s, want %q", round, got.text, want)
			}
		}
		// b's own message is after what it has not seen yet.
		if _, err := a.backend.AddMembers(t.Context(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}); err != nil {
			t.Fatal(err)
		}
		a.say(ann, "g", "again")
		b.say(cid, "g", "own")
		for _, want := range []string{"", "again", "own"} {
			if got := bob.next(); words(got) != want || want == "" && got.Event != "MemberJoined" {
				t.Fatalf("round %d: bob heard %s, want %q", round, got.text, want)
			}
			if got := cid.next(); words(got) != want {
				t.Fatalf("round %d: cid heard %s, want %q", round, got.text, want)
			}
		}
		if got := bob.pushes; len(got) > 0 {
			t.Fatalf("bob heard %s", (<-got).text)
		}
	}
	if err := a.backend.DeleteGroup(t.Context(), app, chat.Admin("admin"), "g"); err != nil {
		t.Fatal(err)
	}
	if got := bob.next(); got.Event != "GroupDissolved" {
		t.Fatalf("bob heard %s", got.text)
	}
	if err := a.backend.Kick(t.Context(), app, chat.Admin("admin"), "bob"); err != nil {
		t.Fatal(err)
	}
	if down := await(t, "the end of bob's connection", bob.downs); down.Code != 4500 {
		t.Fatalf("bob was ended with %d", down.Code)
	}
}
