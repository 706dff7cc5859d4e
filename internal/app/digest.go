package app

import (
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// digestEvery is how often the log says what was refused.
const digestEvery = time.Minute

// digest writes one line a minute for each app that refused something: how many
// sends, and of which codes. A line for each refusal would drown the log in the
// very minute in which somebody reads it; each one is in the journal.
type digest struct {
	backend *chat.Backend
	log     *slog.Logger
	seen    map[chat.AppID]map[api.Code]uint64
	quit    chan struct{}
	done    chan struct{}
}

func startDigest(b *chat.Backend, log *slog.Logger) *digest {
	d := &digest{backend: b, log: log, seen: make(map[chat.AppID]map[api.Code]uint64), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(d.done)
		tick := time.NewTicker(digestEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				d.write()
			case <-d.quit:
				d.write()
				return
			}
		}
	}()
	return d
}

func (d *digest) stop() {
	close(d.quit)
	<-d.done
}

func (d *digest) write() {
	ids := d.backend.AppIDs()
	slices.Sort(ids)
	for _, id := range ids {
		now := d.backend.Exceptions(id)
		var codes []any
		var all uint64
		for _, code := range slices.Sorted(maps.Keys(now)) {
			if n := now[code] - d.seen[id][code]; n > 0 {
				all += n
				codes = append(codes, slog.Uint64(strconv.Itoa(int(code))+"_"+name(code), n))
			}
		}
		d.seen[id] = now
		if all > 0 {
			c, _ := d.backend.Counts(id)
			d.log.Info("sends were refused", "app", int64(id), "refused", all, slog.Group("codes", codes...), "attempts_in_all", c.Attempts)
		}
	}
}

func name(code api.Code) string {
	if info, ok := code.Info(); ok {
		return info.Name
	}
	return "unknown"
}
