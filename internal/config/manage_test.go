package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/config"
)

var now = time.UnixMilli(1_800_000_000_000)

const hour = 3_600_000

func TestFiltersOfEventsAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags config.EventsFlags
		want  api.EventsRequest
	}{
		"nothing": {config.EventsFlags{}, api.EventsRequest{Newest: true}},
		"after":   {config.EventsFlags{After: new("0")}, api.EventsRequest{}},
		"before":  {config.EventsFlags{Before: new("7"), Limit: new("1000")}, api.EventsRequest{Before: 7, Limit: 1000}},
		"all": {config.EventsFlags{
			EventFilters: config.EventFilters{Code: new("10017"), Command: "c", Group: "g", From: "f", Since: "2h", Until: "2027-01-15T08:00:00Z"},
			Endpoint:     "e", State: "dead",
		}, api.EventsRequest{
			Newest: true, Code: 10017, Command: "c", Group: "g", From: "f", Since: now.UnixMilli() - 2*hour, Until: now.UnixMilli(), Endpoint: "e", State: "dead",
		}},
		"days": {config.EventsFlags{EventFilters: config.EventFilters{Since: "7d"}}, api.EventsRequest{Newest: true, Since: now.UnixMilli() - 7*24*hour}},
	} {
		got, err := c.flags.Request(now)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestReplayAndExplanationAreRead(t *testing.T) {
	t.Parallel()
	replay, err := config.ReplayFlags{Endpoint: "e", Dead: true, First: new("2"), Last: new("9"), Since: "1h", Code: new("10010"), Group: "g"}.Replay("", now)
	want := api.Replay{Endpoint: "e", Dead: true, First: 2, Last: 9, Since: now.UnixMilli() - hour, Code: 10010, Group: "g"}
	if diff := cmp.Diff(want, replay); diff != "" || err != nil {
		t.Errorf("replay: %v (-want +got):\n%s", err, diff)
	}
	explain, err := config.ExplainFlags{Group: "g", From: "f", Random: new("0"), After: "2h", Limit: new("3")}.Request("", now)
	if diff := cmp.Diff(api.ExplainRequest{Group: "g", From: "f", Random: new(uint32(0)), Since: now.UnixMilli() - 2*hour, Limit: 3}, explain); diff != "" || err != nil {
		t.Errorf("explain: %v (-want +got):\n%s", err, diff)
	}
	if one, err := (config.ExplainFlags{After: "2h"}).Request("id", now); err != nil || one.Since != 0 || one.EventId != "id" {
		t.Errorf("explain an event: %+v, %v", one, err)
	}
}

func TestSettingsOfAnEndpointAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if c, err := (config.EndpointSettings{}).Change(); err != nil || !cmp.Equal(c, api.EndpointChange{}) {
		t.Errorf("nothing: %+v, %v", c, err)
	}
	got, err := config.EndpointSettings{
		URL: new("http://a"), Commands: new("x, y"), Codes: new("1,2"), Groups: new(""), CallbackTokenFile: file("token", "t\n"),
		SigningKeysFile: file("keys", "whsec_a\nwhsk_b\n"), AddKey: "v1", CA: new(file("ca", "pem")), ClientCert: new(""), ClientKeyFile: new(""),
		MinTLS: "1.3", MaxInFlight: new("1"), Rate: new("0"), Order: "group", GroupHold: new("2"), Timeout: new("3"), Retry: new("4,5"),
		MaxAge: new("60"), Objection: "delivered", Heartbeat: new("0"),
	}.Change()
	want := api.EndpointChange{
		URL: new("http://a"), Commands: []string{"x", "y"}, ErrorCodes: []int{1, 2}, GroupIds: []string{}, Token: new("t"),
		SigningKeys: &[]string{"whsec_a", "whsk_b"}, AddKey: new("v1"), CA: new("pem"), ClientCert: new(""), ClientKey: new(""),
		MinTLS: new("1.3"), MaxInFlight: new(1), Rate: new(0), Order: new("group"), GroupHold: new(2), Timeout: new(3), Retry: []int{4, 5},
		MaxAge: new(60), Objection: new("delivered"), Heartbeat: new(0),
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func FuzzMoment(f *testing.F) {
	for _, text := range []string{"2h", "7d", "2027-01-15T08:00:00Z", "yesterday", "-1h", "99999d", "0s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := config.EventsFlags{EventFilters: config.EventFilters{Since: text}}.Request(now)
		if err != nil && q.Since != 0 {
			t.Errorf("%q is refused and read as %d", text, q.Since)
		}
	})
}
