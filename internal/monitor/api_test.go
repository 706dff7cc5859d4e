package monitor_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/monitor"
	"pgregory.net/rapid"
)

func TestExceptionsHaveTheTwelveFieldsAsReceived(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		const sample = `{"CallbackCommand":"Group.CallbackSendMsgException","CloudCustomData":"your cloud custom data","ErrorCode":10023,` +
			`"ErrorInfo":"msg count exceeds limit,please retry later","EventTime":%s,"From_Account":"jared",` +
			`"GroupId":"@TGS#2J4SZEAEL","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet <b>"}}],` +
			`"OnlineOnlyFlag":1,"Operator_Account":"admin","Random":4294967295,"Type":"Public"}`
		for name, eventTime := range map[string]string{"number": `1670574414123`, "text": `"1670574414123"`} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := start(t, e.config(t))
				body := fmt.Sprintf(sample, eventTime)
				sent := strings.Replace(body, "{", `{"MsgPriority":"High", `, 1)
				if status, answer := r.post(query(callback.CmdGroupSendMsgException), sent, callback.Delivery{ID: "evt_1", Epoch: "e", Sequence: 7}); status != 200 {
					t.Fatalf("answered %d %s", status, answer)
				}
				_, answer := r.get("/api/exceptions")
				var got struct {
					Exceptions []json.RawMessage
					Next       *string
				}
				if err := json.Unmarshal([]byte(answer), &got); err != nil || len(got.Exceptions) != 1 || got.Next == nil || *got.Next != "" {
					t.Fatalf("answered %s", answer)
				}
				var added struct{ ReceivedAt int64 }
				if err := json.Unmarshal(got.Exceptions[0], &added); err != nil || added.ReceivedAt < 1670574414123 {
					t.Fatalf("ReceivedAt %d", added.ReceivedAt)
				}
				want := strings.TrimSuffix(body, "}") + fmt.Sprintf(`,"EventId":"evt_1","ReceivedAt":%d,"Sequence":7}`, added.ReceivedAt)
				if diff := cmp.Diff(want, string(got.Exceptions[0])); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func TestNoExceptionsIsAnEmptyList(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		if status, body := r.get("/api/exceptions?code=&group=&from=&after=&limit="); status != 200 || body != `{"Exceptions":[],"Next":""}`+"\n" {
			t.Errorf("answered %d %s", status, body)
		}
	})
}

func TestBadParametersAreNamed(t *testing.T) {
	t.Parallel()
	r := start(t, defaults(t))
	for parameters, want := range map[string]string{
		"code=x":                    "code is not an integer",
		"code=1.5":                  "code is not an integer",
		"limit=0":                   "limit is not an integer from 1 to 1000",
		"limit=1001":                "limit is not an integer from 1 to 1000",
		"limit=many":                "limit is not an integer from 1 to 1000",
		"after=x":                   "after is not a cursor of this monitor",
		"after=MAAAAAAAAAAA":        "after is not a cursor of this monitor",
		"after=MYAAAAAAAAAB":        "after is not a cursor of this monitor",
		"grup=a":                    "grup is not known; use code, group, from, after, limit",
		"group=a&group=b":           "group is given more than once",
		"group=%zz":                 "the query string is malformed",
		"Code=1":                    "Code is not known; use code, group, from, after, limit",
		"code=99999999999999999999": "code is not an integer",
	} {
		status, body := r.get("/api/exceptions?" + parameters)
		var got struct {
			ErrorCode int
			ErrorInfo string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != 400 || got.ErrorCode != 10004 || got.ErrorInfo != want {
			t.Errorf("%s: answered %d %s, want %q", parameters, status, body, want)
		}
	}
}

// Whatever is asked for, in pages of whatever size, is exactly what fits, in
// the order of arrival.
func TestPagesHaveWhatFitsInOrderOfArrival(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		codes, groups, users := []int{10017, 10023, 80001}, []string{"g", "h", "红包 & co"}, []string{"u", "v"}
		var sent []event
		for i := range 90 {
			sent = append(sent, event{code: codes[i%7%3], group: groups[i%5%3], from: users[i%2], random: i})
		}
		r.mustSend(sent...)
		rapid.Check(t, func(t *rapid.T) {
			want, parameters := sent, url.Values{}
			keep := func(name, value string, fits func(event) bool) {
				parameters.Set(name, value)
				want = slices.DeleteFunc(slices.Clone(want), func(e event) bool { return !fits(e) })
			}
			if rapid.Bool().Draw(t, "by code") {
				code := rapid.SampledFrom(codes).Draw(t, "code")
				keep("code", strconv.Itoa(code), func(e event) bool { return e.code == code })
			}
			if rapid.Bool().Draw(t, "by group") {
				group := rapid.SampledFrom(groups).Draw(t, "group")
				keep("group", group, func(e event) bool { return e.group == group })
			}
			if rapid.Bool().Draw(t, "by sender") {
				from := rapid.SampledFrom(users).Draw(t, "from")
				keep("from", from, func(e event) bool { return e.from == from })
			}
			limit := rapid.IntRange(1, 100).Draw(t, "limit")
			parameters.Set("limit", strconv.Itoa(limit))
			var got, wanted []string
			for _, e := range want {
				wanted = append(wanted, strconv.Itoa(e.random))
			}
			for {
				p := r.list(parameters.Encode())
				if len(p.Exceptions) > limit || p.Next != "" && len(p.Exceptions) != limit {
					t.Fatalf("a page of %d, limit %d, next %q", len(p.Exceptions), limit, p.Next)
				}
				for _, e := range p.Exceptions {
					got = append(got, string(e["Random"]))
				}
				if p.Next == "" {
					break
				}
				parameters.Set("after", p.Next)
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Fatal(diff)
			}
		})
	})
}

func TestCursorHeaderFollowsNewExceptions(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		cursor := ""
		poll := func() (randoms []string) {
			req, err := r.http.Get(r.base + "/api/exceptions?group=g&limit=2&after=" + cursor)
			if err != nil {
				t.Fatal(err)
			}
			defer req.Body.Close()
			var p page
			if err := json.NewDecoder(req.Body).Decode(&p); err != nil {
				t.Fatal(err)
			}
			cursor = req.Header.Get(monitor.HeaderCursor)
			for _, e := range p.Exceptions {
				randoms = append(randoms, string(e["Random"]))
			}
			return randoms
		}
		want := func(step string, want ...string) {
			t.Helper()
			if got := poll(); !slices.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", step, got, want)
			}
		}
		want("nothing yet")
		r.mustSend(event{group: "g", random: 1}, event{group: "g", random: 2}, event{group: "g", random: 3})
		want("first page", "1", "2")
		want("second page", "3")
		want("nothing new")
		r.mustSend(event{group: "other", random: 4}, event{group: "g", random: 5})
		want("the new one", "5")
	})
}

func TestPageOfLargeMessagesIsShorter(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		large := strings.Repeat("x", 1<<20-200)
		for i := range 6 {
			body := fmt.Sprintf(`{"GroupId":"g","Random":%d,"CloudCustomData":"%s"}`, i, large)
			if status, answer := r.post(query(callback.CmdGroupSendMsgException), body, callback.Delivery{}); status != 200 {
				t.Fatalf("answered %d %s", status, answer)
			}
		}
		first := r.list("limit=1000")
		if n := len(first.Exceptions); n == 0 || n > 5 || first.Next == "" {
			t.Fatalf("%d on the first page, next %q", n, first.Next)
		}
		second := r.list("limit=1000&after=" + first.Next)
		if len(first.Exceptions)+len(second.Exceptions) != 6 || second.Next != "" {
			t.Errorf("%d and %d", len(first.Exceptions), len(second.Exceptions))
		}
	})
}

func TestSummaryExplainsEachCode(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		r.mustSend(event{code: 10017, group: "g"}, event{code: 10017, group: "h"}, event{code: 4711, group: "g"},
			event{code: 10023, group: "g", delivery: callback.Delivery{ID: "1", Epoch: "e", Count: 41}})
		s := r.summary()
		if len(s.Reasons) != 3 || s.Total != 44 || s.Records != 4 {
			t.Fatalf("summary %+v", s)
		}
		for i, want := range []struct {
			code  int
			count int64
			class string
		}{{10023, 41, "frequency"}, {10017, 2, "muted"}, {4711, 1, "none"}} {
			got := s.Reasons[i]
			if got.Code != want.code || got.Count != want.count || string(got.Class) != want.class || got.Text == "" || got.Last == 0 {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
		if !s.Writable || len(s.Unsigned) != 0 || !slices.Equal(s.Apps, []int64{appid}) {
			t.Errorf("summary %+v", s)
		}
	})
}
