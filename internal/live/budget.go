package live

import (
	"slices"

	"github.com/centrifugal/centrifuge"
)

// spare is how many publications a connection may be behind and still be left in
// peace, whatever memory all of them take: what is on its way.
const spare = 1

// shed ends the connections that are furthest behind while all that waits takes
// more memory than it may. They come back and catch up.
func (d *Door) shed() {
	size := d.metrics.usualFrame()
	var waiting int64
	all := d.all()
	for _, c := range all {
		waiting += c.behind()
	}
	d.metrics.waiting.Set(float64(waiting * size))
	if waiting*size <= d.cfg.PushMemory {
		return
	}
	slices.SortFunc(all, func(a, b *conn) int { return int(b.behind() - a.behind()) })
	ended := 0
	for _, c := range all {
		behind := c.behind()
		if waiting*size <= d.cfg.PushMemory/2 || behind <= spare {
			break
		}
		c.end(centrifuge.DisconnectSlow)
		waiting -= behind
		ended++
	}
	if ended == 0 {
		return
	}
	d.metrics.shed.Add(float64(ended))
	d.log.Warn("connections that were behind were ended: what waits takes too much memory", "ended", ended, "limit_mb", d.cfg.PushMemory>>20)
}
