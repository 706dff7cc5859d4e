package monitor_test

import (
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/callback"
)

// What is older is removed, in several slices; totals and what arrived since
// stay, and a replay of what was removed does not bring it back.
func TestOldCallbacksAreRemoved(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		var mu sync.Mutex
		now := time.UnixMilli(1670574414123)
		cfg := e.config(t)
		cfg.Apps[0].CallbackTokens = nil
		cfg.Keep = time.Hour
		cfg.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
		r := start(t, cfg)
		const exception = callback.CmdGroupSendMsgException
		post := func(command callback.Command, sequence uint64, d callback.Delivery) {
			t.Helper()
			d.ID, d.Epoch, d.Sequence, d.Previous = "evt", "e", sequence, sequence-1
			d.ID += string(rune('A' + sequence%26))
			d.ID += string(rune('A' + sequence/26))
			if status, text := r.post(unsigned(appid, command), event{code: 10017, group: "g", random: int(sequence)}.body(), d); command == exception && status != 200 {
				t.Fatalf("answered %d %s", status, text)
			}
		}
		for s := range uint64(600) {
			post(exception, s+1, callback.Delivery{})
		}
		old := r.list("limit=1").Next
		mu.Lock()
		now = now.Add(2 * time.Hour)
		mu.Unlock()
		post(exception, 601, callback.Delivery{})
		r.stop()
		r = start(t, cfg)
		for began := time.Now(); len(r.list("limit=1000").Exceptions) > 1; {
			if time.Since(began) > 30*time.Second {
				t.Fatalf("%d are left", len(r.list("limit=1000").Exceptions))
			}
		}
		if got := r.list("after=" + old); len(got.Exceptions) != 1 || string(got.Exceptions[0]["Sequence"]) != "601" {
			t.Errorf("after an old cursor: %v", got)
		}
		if s := r.summary(); s.Records != 601 || s.Total != 601 {
			t.Errorf("totals %+v", s)
		}
		post(exception, 7, callback.Delivery{Replay: true})
		if n, s := len(r.list("").Exceptions), r.summary(); n != 1 || s.Records != 601 {
			t.Errorf("a replay brings back: %d listed, %d records", n, s.Records)
		}
		if removed := r.metric("parley_monitor_removed_total"); removed != "600" {
			t.Errorf("%s were removed", removed)
		}
	})
}
