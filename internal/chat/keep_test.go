package chat_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
)

func TestOldestEventsGo(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_000_000_000)
	hour := int64(time.Hour / time.Millisecond)
	var oldest []chat.Kept // 10, 9, 8, … hours old
	for i := range int64(10) {
		oldest = append(oldest, chat.Kept{Seq: chat.Sequence(100 + i), Time: now.UnixMilli() - (10-i)*hour, Size: 1000})
	}
	for name, c := range map[string]struct {
		keep chat.Keep
		stop chat.Sequence
		want int
	}{
		"for ever":                               {chat.Keep{}, 0, 0},
		"by age":                                 {chat.Keep{Age: 7 * time.Hour}, 0, 3},
		"not before their age":                   {chat.Keep{Age: 10 * time.Hour}, 0, 0},
		"by size":                                {chat.Keep{Bytes: 8000}, 0, 2},
		"by size, the last one below it":         {chat.Keep{Bytes: 7500}, 0, 3},
		"by both":                                {chat.Keep{Age: 7 * time.Hour, Bytes: 8000}, 0, 3},
		"by both, size first":                    {chat.Keep{Age: 7 * time.Hour, Bytes: 5000}, 0, 5},
		"undelivered ones stop it":               {chat.Keep{Age: time.Hour}, 104, 4},
		"the first is undelivered":               {chat.Keep{Age: time.Hour}, 100, 0},
		"also by size":                           {chat.Keep{Bytes: 1}, 104, 4},
		"undelivered ones go later":              {chat.Keep{Age: time.Hour, Undelivered: 3 * time.Hour}, 104, 7},
		"that age alone removes nothing":         {chat.Keep{Age: 8 * time.Hour, Undelivered: 9 * time.Hour}, 100, 1},
		"all":                                    {chat.Keep{Age: time.Minute}, 0, 10},
		"all of them are delivered":              {chat.Keep{Age: time.Minute}, 110, 10},
		"undelivered alone removes nothing":      {chat.Keep{Undelivered: time.Minute}, 100, 0},
		"delivered ones are not kept so long":    {chat.Keep{Age: time.Minute, Undelivered: time.Hour * 99}, 105, 5},
		"a bound that is not reached":            {chat.Keep{Bytes: 10_000}, 0, 0},
		"one byte above":                         {chat.Keep{Bytes: 9_999}, 0, 1},
		"nothing is left of a bound of one byte": {chat.Keep{Bytes: 1}, 0, 10},
	} {
		if got := c.keep.Removable(now, 10_000, c.stop, oldest); got != c.want {
			t.Errorf("%s: %d go, want %d", name, got, c.want)
		}
	}
}

// Slices end where one look would have.
func TestSlicesRemoveAsMuchAsOneLook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMilli(1_000_000)
		var all []chat.Kept
		var total int64
		at := int64(0)
		for i := range rapid.IntRange(0, 50).Draw(t, "events") {
			at += rapid.Int64Range(0, 40_000).Draw(t, "pause")
			all = append(all, chat.Kept{Seq: chat.Sequence(i + 1), Time: at, Size: rapid.Int64Range(1, 100).Draw(t, "size")})
			total += all[i].Size
		}
		k := chat.Keep{
			Age: time.Duration(rapid.IntRange(0, 1000).Draw(t, "age")) * time.Second, Bytes: rapid.Int64Range(0, 3000).Draw(t, "bytes"),
			Undelivered: time.Duration(rapid.IntRange(0, 1000).Draw(t, "undelivered")) * time.Second,
		}
		stop := chat.Sequence(rapid.IntRange(0, 60).Draw(t, "stop"))
		want := k.Removable(now, total, stop, all)
		got := 0
		for {
			slice := all[got:min(got+rapid.IntRange(1, 9).Draw(t, "slice"), len(all))]
			n := k.Removable(now, total, stop, slice)
			if n == 0 {
				break
			}
			for _, e := range slice[:n] {
				total -= e.Size
			}
			got += n
		}
		if got != want {
			t.Fatalf("slices remove %d, one look %d", got, want)
		}
	})
}

func TestClockThatIsSetFreezesRetentionForADay(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g := chat.ClockGuard{Log: slog.New(slog.NewTextHandler(&log, nil))}
	ran, day := time.Unix(1000, 0), time.Unix(1_700_000_000, 0)
	look := func(ranFor, dayFor time.Duration) bool {
		ran, day = ran.Add(ranFor), day.Add(dayFor)
		return g.Trusted(day, ran)
	}
	for _, c := range []struct {
		name     string
		ran, day time.Duration
		want     bool
	}{
		{"the first look", 0, 0, true},
		{"both run", time.Hour, time.Hour, true},
		{"a clock that is corrected", time.Hour, time.Hour + 5*time.Minute, true},
		{"and back", time.Hour, time.Hour - 5*time.Minute, true},
		{"a clock that is set", time.Second, time.Second + 5*time.Minute + 1, false},
		{"a little later", time.Hour, time.Hour, false},
		{"a day later, but for a second", 23*time.Hour - time.Second, 23*time.Hour - time.Second, false},
		{"a day later", time.Second, time.Second, true},
		{"set back by a year", time.Second, -365 * 24 * time.Hour, false},
		{"and forth", time.Second, 365 * 24 * time.Hour, false},
		{"the day counts from the last time", 24*time.Hour - time.Second, 24*time.Hour - time.Second, false},
		{"and is over", time.Second, time.Second, true},
	} {
		if got := look(c.ran, c.day); got != c.want {
			t.Errorf("%s: trusted %v, want %v", c.name, got, c.want)
		}
	}
	if n := strings.Count(log.String(), "retention.frozen"); n != 3 {
		t.Errorf("%d lines of log:\n%s", n, &log)
	}
}
