package promise_test

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/internal/promise"
)

func TestEachPromiseIsToldOnceAndWhenItChanges(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	registry := prometheus.NewRegistry()
	b, err := promise.New(slog.New(slog.NewTextHandler(&log, nil)), registry)
	if err != nil {
		t.Fatal(err)
	}
	list := []promise.Promise{
		{Name: promise.Crash, Why: "fsync=off"},
		{Name: promise.TornPages, Holds: true, Why: "full_page_writes=on"},
		{Name: promise.Failover, Why: "none"},
	}
	b.Show(list)
	b.Show(list)
	list[0] = promise.Promise{Name: promise.Crash, Holds: true, Why: "fsync=on"}
	b.Show(list)
	want := []string{
		"level=WARN msg=store.promise promise=crash holds=false why=\"fsync=off\"",
		"level=INFO msg=store.promise promise=torn_pages holds=true why=\"full_page_writes=on\"",
		"level=INFO msg=store.promise promise=failover holds=false why=none",
		"level=INFO msg=store.promise promise=crash holds=true why=\"fsync=on\"",
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), &log)
	}
	for i, line := range lines {
		if !strings.HasSuffix(line, want[i]) {
			t.Errorf("got %s\nwant …%s", line, want[i])
		}
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "parley_store_promise" {
		t.Fatalf("gathered %v, %v", families, err)
	}
	got := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		got[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
	}
	if !maps.Equal(got, map[string]float64{"crash": 1, "torn_pages": 1, "failover": 0}) {
		t.Errorf("gauge %v", got)
	}
	if _, err := promise.New(slog.New(slog.DiscardHandler), registry); err == nil {
		t.Error("two boards share a registry")
	}
}
