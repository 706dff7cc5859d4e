package live_test

import (
	"encoding/json"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/live"
)

// stalled connects a user who then reads nothing any more, with little room in
// between.
func (w *world) stalled(t testing.TB, user string) *device {
	t.Helper()
	d, err := w.connectDevice(t, user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.line.Close() })
	if _, _, err := d.socket.ReadMessage(); err != nil { // the answer: he is in
		t.Fatal(err)
	}
	_ = d.line.(*net.TCPConn).SetReadBuffer(4 << 10)
	return d
}

// Who reads nothing is disconnected. Everybody else hears every message before
// that is even known, memory stays bounded, and who comes back catches up. It runs
// alone, because it looks at the memory of the process.
func TestWhoDoesNotReadIsEndedAndNobodyWaitsForHim(t *testing.T) {
	w := newWorld(t)
	const others = 50
	members := []string{"ann", "lazy"}
	for i := range others {
		members = append(members, fmt.Sprint("u", i))
	}
	w.group(t, "g", chat.Public, members...)
	var phones []*phone
	for _, user := range members[2:] {
		phones = append(phones, w.phone(t, user))
	}
	lazy := w.stalled(t, "lazy")
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	big := strings.Repeat("x", 6000)
	total := uint64(0)
	for connected := others + 1; connected > others; connected = int(w.metric(t, "parley_connections")) {
		if total > 5000 {
			t.Fatal("he is never ended")
		}
		for range 20 {
			w.sayAs(t, "g", "ann", big)
		}
		total += 20
		for _, p := range phones { // all of them have all, whatever the lazy one does
			for seq := total - 19; seq <= total; seq++ {
				if got := p.next(); got.MsgSeq != seq {
					t.Fatalf("heard %d, want %d", got.MsgSeq, seq)
				}
			}
		}
	}
	var after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("memory grew by %d MB", grown>>20)
	}
	// What was written before he was ended is all he gets.
	heard := uint64(0)
	code := lazy.read(func() {}, func(data []byte) {
		var p push
		if json.Unmarshal(data, &p) == nil && p.MsgSeq > 0 {
			if p.MsgSeq != heard+1 {
				t.Errorf("he heard %d after %d", p.MsgSeq, heard)
			}
			heard = p.MsgSeq
		}
	})
	if code != 3008 && code != 1006 && code != 0 { // cut, because not even the code could be written
		t.Errorf("he was ended with %d", code)
	}
	if heard >= total {
		t.Errorf("he heard all %d messages", total)
	}
	back := w.phone(t, "lazy")
	for heard < total {
		newest := min(heard+20, total)
		a := back.ok("group_msg_get_simple", object{"GroupId": "g", "ReqMsgSeq": newest, "ReqMsgNumber": newest - heard})
		if len(a.RspMsgList) != int(newest-heard) {
			t.Fatalf("%d messages from %d down to %d", len(a.RspMsgList), newest, heard+1)
		}
		heard = newest
	}
	w.sayAs(t, "g", "ann", "next")
	if got := back.next(); got.MsgSeq != total+1 {
		t.Fatalf("after he came back he heard %d, want %d", got.MsgSeq, total+1)
	}
}

// When what waits takes more memory than it may, those furthest behind are ended,
// and those who read stay.
func TestTooMuchThatWaitsEndsThoseFurthestBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *live.Config) { c.PushMemory = 64 << 10 })
	w.group(t, "g", chat.Public, "ann", "lazy", "eager")
	eager := w.phone(t, "eager")
	w.stalled(t, "lazy")
	big := strings.Repeat("x", 6000)
	for total := uint64(1); w.metric(t, "parley_connections_shed_total")+w.metric(t, "parley_connections") >= 2 && w.metric(t, "parley_connections") > 1; total++ {
		if total > 5000 {
			t.Fatal("he is never ended")
		}
		w.sayAs(t, "g", "ann", big)
		if got := eager.next(); got.MsgSeq != total {
			t.Fatalf("heard %d, want %d", got.MsgSeq, total)
		}
	}
	w.sayAs(t, "g", "ann", "next")
	if got := eager.next(); words(got) != "next" || len(eager.downs)+len(eager.waits) > 1 {
		t.Fatalf("who reads heard %s, and was ended %d times", got.Event, len(eager.downs))
	}
}

// What waits is weighed by the pushes of now, not by small ones of long ago.
func TestWhatWaitsIsWeighedByThePushesOfNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *live.Config) { c.PushMemory = 600_000 })
	const lazy = 40
	members := []string{"ann"}
	for i := range lazy {
		members = append(members, fmt.Sprint("lazy", i))
	}
	w.group(t, "quiet", chat.Public, "ann", "eager")
	w.group(t, "g", chat.Public, members...)
	eager := w.phone(t, "eager")
	for range 3000 {
		w.sayAs(t, "quiet", "ann", "x")
		eager.next()
	}
	for _, user := range members[1:] {
		w.stalled(t, user)
	}
	big := strings.Repeat("x", 7000)
	// Of these some 25 wait for each. By the small ones it would take 40; and a write
	// that takes 2 s, or 36 that wait, end him for himself.
	for range 45 {
		w.sayAs(t, "g", "ann", big)
	}
	w.eventually(t, "the end of those furthest behind", func() bool {
		if w.metric(t, "parley_connections") == 1 && w.metric(t, "parley_connections_shed_total") == 0 {
			t.Fatal("all were ended for themselves, and none because of what waits for all")
		}
		return w.metric(t, "parley_connections_shed_total") > 0
	})
}
