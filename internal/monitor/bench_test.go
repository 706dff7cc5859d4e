package monitor_test

import (
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/monitor"
	"github.com/parley-im/parley/internal/pgtest"
)

// Callbacks over HTTP, each answered after its commit, from 64 connections. The
// PostgreSQL is one that syncs, on the same machine.
func BenchmarkIngest(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkIngest(b, defaults(b)) })
	b.Run("postgres", func(b *testing.B) {
		cfg := defaults(b)
		cfg.Data, cfg.Database = "", pgtest.Start(b).URL("postgres")
		benchmarkIngest(b, cfg)
	})
}

func benchmarkIngest(b *testing.B, cfg monitor.Config) {
	cfg.Logger = slog.New(slog.DiscardHandler)
	r := start(b, cfg)
	body := event{code: 10023, group: "@TGS#2J4SZEAEL", from: "jared"}.body()
	target := query(callback.CmdGroupSendMsgException)
	var id atomic.Int64
	b.SetParallelism(32) // for each of GOMAXPROCS
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, err := http.NewRequest("POST", r.base+target, strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			callback.Delivery{ID: strconv.FormatInt(id.Add(1), 10), Epoch: "e"}.SetHeaders(req.Header)
			resp, err := r.http.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Errorf("answered %d", resp.StatusCode)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "callbacks/s")
}
