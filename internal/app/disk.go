package app

import (
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/disk"
)

// space is the [chat.Space] of the backend: what the watch of the data folder's
// disk sees, once there is one.
type space struct{ watch atomic.Pointer[disk.Watch] }

func (s *space) Room() chat.Room {
	r := s.watch.Load().Read()
	return chat.Room{State: chat.RoomState(r.State), Free: r.Free, Mark: r.Mark}
}

func (s *space) Look() { s.watch.Load().Look() }

// watchDisk begins to watch the disk of a data folder that this process holds.
// With a database there is nothing of ours to fill it.
func (s *Server) watchDisk() {
	if d := s.cfg.Disk; s.cfg.Data != "" && (d.Low > 0 || d.Critical > 0) {
		o := disk.Options{Dir: s.cfg.Data, Marks: disk.Marks{Low: d.Low, Critical: d.Critical}, Log: s.log, Changed: s.diskChanged}
		if d.Critical > 0 { // else it would never be freed
			o.Ballast = d.Ballast
		}
		s.space.watch.Store(disk.Start(o))
	}
}

// diskChanged has the store get along with little room, or no longer.
func (s *Server) diskChanged(now disk.State) {
	if t, ok := s.store.(interface{ Tight(bool) }); ok {
		t.Tight(now != disk.OK)
		s.backend.Tend()
	}
}

// unballast gives a start on a full disk the room of the ballast; it reports
// whether there was any.
func (s *Server) unballast() bool {
	if free, err := disk.Free(s.cfg.Data); err != nil || free >= s.cfg.Disk.Critical {
		return false
	}
	size, err := disk.RemoveBallast(s.cfg.Data)
	if err != nil || size == 0 {
		return false
	}
	s.log.Warn("disk.ballast", "folder", s.cfg.Data, "removed", disk.MB(size), "meaning", "the store could not be opened on a full disk; it is tried again with this room")
	return true
}

// usualLog is how long the store's log may become when there is room.
const usualLog = 16 << 20

// logSize is how long the store's log may become, in bytes. What it holds must
// find room in the database when the disk is full: in half of the ballast, and in
// a quarter of what is left below the low mark.
func (s *Server) logSize() int64 {
	size := int64(usualLog)
	if d := s.cfg.Disk; d.Low > 0 || d.Critical > 0 {
		for _, room := range []int64{d.Low / 4, d.Ballast / 2} {
			if room > 0 {
				size = min(size, room)
			}
		}
	}
	return max(size, 1<<20)
}

// fullness says why the disk keeps sends out, "" if it does not. It is shown to
// anybody: it names no path.
func (s *Server) fullness() string {
	r := s.space.Room()
	free, mark := disk.MB(r.Free), disk.MB(r.Mark)
	switch r.State {
	case chat.RoomLow:
		return fmt.Sprintf("the disk is low: %s free, below %s (--disk-low); sends are refused with 10002 until there is room", free, mark)
	case chat.RoomCritical:
		return fmt.Sprintf("the disk is full: %s free, below %s (--disk-critical); no send begins until there is room", free, mark)
	}
	return ""
}

// diskMetrics are of the watch.
type diskMetrics struct {
	space       *space
	free, state *prometheus.Desc
}

func newDiskMetrics(r prometheus.Registerer, s *space) {
	r.MustRegister(&diskMetrics{
		space: s,
		free:  prometheus.NewDesc("parley_disk_free_bytes", "Free room of the data folder's disk.", nil, nil),
		state: prometheus.NewDesc("parley_disk_state", "0: room, 1: below --disk-low, 2: below --disk-critical.", nil, nil),
	})
}

func (m *diskMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.free
	ch <- m.state
}

// Collect tells nothing where nothing is watched.
func (m *diskMetrics) Collect(ch chan<- prometheus.Metric) {
	if m.space.watch.Load() == nil {
		return
	}
	r := m.space.Room()
	ch <- prometheus.MustNewConstMetric(m.free, prometheus.GaugeValue, float64(r.Free))
	ch <- prometheus.MustNewConstMetric(m.state, prometheus.GaugeValue, float64(r.State))
}
