package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/config"
)

// usual are the flags of serve as they are when none is given.
func usual(change func(*config.ServeFlags)) config.ServeFlags {
	r := config.ServeFlags{
		Listen: "127.0.0.1:8080", LogFormat: "text", LogLevel: "info", DiskLow: "512MB", DiskCritical: "128MB", Ballast: "64MB",
		KeepEvents: "720h", KeepEventsSize: "0", KeepUndelivered: "0", RefusalRate: 5, RefusalBurst: 20, AlertAfter: "5m",
	}
	change(&r)
	return r
}

func TestDiskAndRetentionAreSet(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	type settings struct {
		Disk     config.Disk
		Keep     chat.Keep
		Refusals chat.Pace
	}
	for name, c := range map[string]struct {
		change func(*config.ServeFlags)
		want   settings
	}{
		"usual": {func(*config.ServeFlags) {},
			settings{config.Disk{Low: 512 * mb, Critical: 128 * mb, Ballast: 64 * mb}, chat.Keep{Age: 720 * time.Hour}, chat.Pace{Rate: 5, Burst: 20}}},
		"all off": {func(r *config.ServeFlags) {
			r.DiskLow, r.DiskCritical, r.Ballast, r.KeepEvents, r.RefusalRate = "0", "0", "0", "0", 0
		}, settings{Refusals: chat.Pace{Burst: 20}}},
		"units": {func(r *config.ServeFlags) {
			r.DiskLow, r.DiskCritical, r.Ballast, r.KeepEventsSize = "3GiB", "4096", "5KB", "1TB"
		},
			settings{config.Disk{Low: 3 << 30, Critical: 4096, Ballast: 5 << 10}, chat.Keep{Age: 720 * time.Hour, Bytes: 1 << 40}, chat.Pace{Rate: 5, Burst: 20}}},
		"times": {func(r *config.ServeFlags) { r.KeepEvents, r.KeepUndelivered = "90m", "100h" },
			settings{config.Disk{Low: 512 * mb, Critical: 128 * mb, Ballast: 64 * mb}, chat.Keep{Age: 90 * time.Minute, Undelivered: 100 * time.Hour}, chat.Pace{Rate: 5, Burst: 20}}},
		"critical alone": {func(r *config.ServeFlags) { r.DiskLow = "0" },
			settings{config.Disk{Critical: 128 * mb, Ballast: 64 * mb}, chat.Keep{Age: 720 * time.Hour}, chat.Pace{Rate: 5, Burst: 20}}},
	} {
		s, err := usual(c.change).Parse(nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, settings{s.Disk, s.Keep, s.Refusals}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFaultsOfDiskAndRetentionAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := usual(func(r *config.ServeFlags) {
		r.DiskLow, r.DiskCritical, r.Ballast, r.KeepEventsSize = "1MB", "2MB", "much", "9999999999TB"
		r.KeepEvents, r.KeepUndelivered, r.RefusalRate, r.RefusalBurst = "30d", "-1h", -1, 0
	}).Parse(nil)
	want := []string{
		`--ballast: "much" is no size such as 512MB`,
		`--disk-critical: it is above --disk-low`,
		`--keep-events-size: "9999999999TB" is no size such as 512MB`,
		`--keep-events: "30d" is no span of time such as 90s or 5m`,
		`--keep-undelivered: "-1h" is no span of time such as 90s or 5m`,
		`--refusal-rate: -1 is below 0`,
		`--refusal-burst: 0 is below 1`,
	}
	if err == nil {
		t.Fatal("no fault was found")
	}
	got := strings.Split(err.Error(), "\n")
	for _, line := range want {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("%q is missing", line)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d faults, want %d:\n%v", len(got), len(want), err)
	}
	if _, err := usual(func(r *config.ServeFlags) { r.KeepUndelivered = "1h" }).Parse(nil); err == nil || !strings.Contains(err.Error(), "less than --keep-events") {
		t.Errorf("undelivered events go first: %v", err)
	}
	for _, size := range []string{"MB", "-1MB", "1 MB", "1mb", "1.5GB", "1MBB", "0x10", "1GM", "1iB"} {
		if _, err := usual(func(r *config.ServeFlags) { r.KeepEventsSize = size }).Parse(nil); err == nil {
			t.Errorf("%q passes for a size", size)
		}
	}
}

func FuzzSize(f *testing.F) {
	for _, text := range []string{"0", "512MB", "1GiB", "9999999999TB", "MB", "-1", "1.5GB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := usual(func(r *config.ServeFlags) { r.KeepEventsSize = text }).Parse(nil)
		if err == nil && s.Keep.Bytes < 0 {
			t.Errorf("%q is %d bytes", text, s.Keep.Bytes)
		}
	})
}
