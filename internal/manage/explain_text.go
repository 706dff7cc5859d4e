package manage

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// utc writes a time of unix milliseconds for people.
func utc(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC")
}

// eventText explains an event in sentences: what refused the send, what was
// compared, what the app backend said before, and how each endpoint fares.
func eventText(d *api.EventDetail, w *why) string {
	var b strings.Builder
	switch d.Command {
	case chat.CommandSendMsgException:
		what := "refused"
		if w.Dropped {
			what = "dropped, though its sender was told that all is well,"
		}
		fmt.Fprintf(&b, "At %s a message from %s to group %s was %s with code %d (%s): %s.", utc(d.EventTime), orSomebody(d.FromAccount),
			orNone(d.GroupId), what, d.ErrorCode, strings.TrimSuffix(d.ErrorInfo, "."), ruleText(d, compared(d.Compared)))
		if d.Count > 1 {
			fmt.Fprintf(&b, " This record stands for %d refusals alike within one second.", d.Count)
		}
		if w.Entry == "client" {
			b.WriteString(" It came over the sender's own connection.")
		}
	case chat.CommandStateChange:
		fmt.Fprintf(&b, "At %s %s logged in or out; this event (%s) tells the app backend of it, and of no message.",
			utc(d.EventTime), orSomebody(d.FromAccount), d.Command)
	default:
		fmt.Fprintf(&b, "At %s a message from %s to group %s was accepted; this event (%s) tells the app backend of it.",
			utc(d.EventTime), orSomebody(d.FromAccount), orNone(d.GroupId), d.Command)
	}
	b.WriteString(beforeSendText(d, w))
	if len(d.Deliveries) == 0 {
		b.WriteString(" The app has no endpoint that could be told.")
	}
	for i := range d.Deliveries {
		b.WriteString(" " + deliveryText(d.EventTime, &d.Deliveries[i]) + ".")
	}
	return b.String()
}

func orSomebody(from string) string {
	if from == "" {
		return "nobody that is named"
	}
	return from
}

func orNone(group string) string {
	if group == "" {
		return "(none)"
	}
	return group
}

// facts are what a rule compared, by its names.
type facts map[string]any

func compared(text json.RawMessage) facts {
	var f facts
	_ = json.Unmarshal(text, &f) // it was written by this server
	return f
}

// num reads a number; 0 for what is none.
func (f facts) num(name string) int64 {
	n, _ := f[name].(float64)
	return int64(n)
}

func (f facts) text(name string) string {
	s, _ := f[name].(string)
	return s
}

func (f facts) until() string {
	if n := f.num("mute_until"); n > 0 {
		return "until " + utc(n*1000)
	}
	return "for good"
}

// ruleText says which rule refused and what it compared.
func ruleText(d *api.EventDetail, f facts) string {
	if f["rewritten_by_app"] == true {
		inner := *d
		inner.Rule = f.text("rule")
		return "the app backend replaced the message before it was sent, and what it put there was looked at again; " + ruleText(&inner, without(f))
	}
	switch d.Rule {
	case chat.RuleParameters:
		if n := f.num("limit"); n > 0 {
			for name, value := range f {
				if name != "limit" {
					return fmt.Sprintf("the request itself is wrong: %s is %v, and at most %d is allowed", name, value, n)
				}
			}
		}
		return "the request itself is wrong, whatever the state of the group"
	case chat.RuleGroup:
		return fmt.Sprintf("there was no group %q at that moment", d.GroupId)
	case chat.RuleSender:
		if f["member"] == false {
			return fmt.Sprintf("%s was not a member of the group", d.FromAccount)
		}
		return fmt.Sprintf("%s was no account of the app", d.FromAccount)
	case chat.RuleAccountMute:
		return fmt.Sprintf("%s was muted in all groups %s", d.FromAccount, f.until())
	case chat.RuleMemberMute:
		return fmt.Sprintf("%s was muted in this group %s", d.FromAccount, f.until())
	case chat.RuleMuteAll:
		return fmt.Sprintf("the whole group was muted, and %s was neither owner nor admin (role %s)", d.FromAccount, f.text("role"))
	case chat.RuleSize:
		return fmt.Sprintf("the message has %d bytes of text, and at most %d are allowed", f.num("size"), f.num("limit"))
	case chat.RuleFormat:
		if n := f.num("limit"); n > 0 {
			return fmt.Sprintf("GroupAtInfo names %d targets, and at most %d are allowed", f.num("count"), n)
		}
		if kind := f.text("type"); kind != "" {
			return "the message asks for something that a group of type " + kind + " does not do"
		}
		return "the message asks for something that the group does not do"
	case chat.RuleAPIRate:
		return fmt.Sprintf("send_group_msg was called %d times within the second, and the app may %d times", f.num("count"), f.num("limit"))
	case chat.RuleFrequency:
		of := "the group"
		if f.text("scope") == "sender" {
			of = "the sender"
		}
		return fmt.Sprintf("it was message %d of %s within the second, and %d are allowed", f.num("count"), of, f.num("limit"))
	case chat.RuleFilter:
		if word := f.text("word"); word != "" {
			return fmt.Sprintf("the text contains the filter word %q", word)
		}
		return "the text contains a filter word"
	case chat.RuleBeforeSend:
		if reason, ok := f["unanswered"]; ok {
			return fmt.Sprintf("the app backend was to be asked and gave no answer (%v), and the app refuses messages then", reason)
		}
		if code := f.num("answer"); code != 0 {
			return fmt.Sprintf("the app backend was asked and said no, with code %d", code)
		}
		return "the app backend was asked, and its answer cannot be used"
	case chat.RuleOverload:
		return "the server was overloaded, and the message had waited too long to be stored"
	case chat.RuleDisk:
		return fmt.Sprintf("the server's disk was low, with %d MB free of at least %d", f.num("free")>>20, f.num("mark")>>20)
	case chat.RuleStore:
		return "the server's store took no writes at that moment"
	case chat.RuleInternal:
		if doing := f.text("doing"); doing != "" {
			return "the server failed while it was to " + doing + "; its log says why"
		}
		return "the server failed; its log says why"
	}
	return "rule " + d.Rule
}

func without(f facts) facts {
	inner := facts{}
	for name, value := range f {
		if name != "rewritten_by_app" && name != "rule" {
			inner[name] = value
		}
	}
	return inner
}

// beforeSendText says what the before-send question was answered, where that is
// not the reason itself.
func beforeSendText(d *api.EventDetail, w *why) string {
	if d.Rule == chat.RuleBeforeSend || len(w.BeforeSend) == 0 {
		return ""
	}
	f := compared(w.BeforeSend)
	switch f.text("answer") {
	case "none":
		return fmt.Sprintf(" The before-send question had no answer (%v), and the app lets messages pass then.", f["reason"])
	case "allow":
		if f["rewritten"] == true {
			return " The app backend, asked before, allowed it with other content."
		}
		return " The app backend, asked before, allowed it."
	}
	return ""
}

// deliveryText says how an event fares at an endpoint.
func deliveryText(committed int64, d *api.EventDelivery) string {
	tried := ""
	if n := len(d.Attempts); n > 0 {
		last := &d.Attempts[n-1]
		if d.State == api.StateDelivered {
			for i := range d.Attempts { // the first delivery; later ones were asked for
				if d.Attempts[i].Result == resultDelivered {
					last = &d.Attempts[i]
					break
				}
			}
			return fmt.Sprintf("Delivered to %s at the %s attempt, %s after", d.Endpoint, ordinal(last.Attempt), after(last.At+last.Duration-committed))
		}
		tried = fmt.Sprintf(" after %s", attempts(last.Attempt))
	}
	reason := ""
	if d.Reason != "" {
		reason = " (" + d.Reason + ")"
	}
	switch d.State {
	case api.StateDelivered:
		return "Delivered to " + d.Endpoint + "; no attempts are kept"
	case api.StateWaiting:
		next := ""
		if d.NextAt > 0 {
			next = ", the next attempt is at " + utc(d.NextAt)
		}
		again := ""
		if d.Replay {
			again = " to be sent again"
		}
		return "Waiting" + again + " for " + d.Endpoint + tried + reason + next
	case api.StateDead:
		return "A dead letter of " + d.Endpoint + tried + reason
	case api.StateEarlier:
		return "Not sent to " + d.Endpoint + ": it was committed before that was made or its switches were last changed"
	}
	return "Not for " + d.Endpoint + ": its switches or filters do not let it through"
}

func attempts(n int) string {
	if n == 1 {
		return "one attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// after writes a time of milliseconds as people say it.
func after(ms int64) string {
	d := time.Duration(max(ms, 0)) * time.Millisecond
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func acceptedText(m *api.SentMessage) string {
	text := fmt.Sprintf("At %s a message from %s to group %s was accepted: it is stored as number %d, and its sender was told so.",
		utc(m.MsgTime*1000), m.FromAccount, m.GroupId, m.MsgSeq)
	if m.Unanswered {
		text += " The app backend was to be asked before, gave no answer, and the app lets messages pass then."
	}
	if m.Rewritten {
		text += " The app backend, asked before, replaced what it says."
	}
	if m.Recalled {
		text += " It was taken back later."
	}
	return text
}

// rest says what the list leaves open: what was not looked at, and, if nothing
// was found, what that means.
func (s *search) rest() string {
	if len(s.found) > 0 {
		if len(s.cut) == 0 {
			return ""
		}
		return "This is not all: " + strings.Join(s.cut, "; ") + "."
	}
	text := fmt.Sprintf("Nothing was found since %s. Then the message never reached this server as a send: it was not sent, not through this server or not in this app, "+
		"or its call failed before it was one (a wrong or expired UserSig, see parley_rejected_requests_total), "+
		"or nobody knows its outcome because the server or its store failed (HTTP 503).", utc(s.r.Since))
	text += " A message for those online only, and one that the app backend dropped when it was asked (answer 2), leave nothing to be found."
	switch {
	case s.r.Group != "" && !s.group:
		text += fmt.Sprintf(" There is no group %q now; messages of a dissolved group are gone.", s.r.Group)
	case s.r.Group == "":
		text += " Accepted messages are looked for only when the group is named."
	}
	if s.kept > s.r.Since {
		text += fmt.Sprintf(" The journal is kept from %s on.", utc(s.kept))
	}
	if len(s.cut) > 0 {
		text += " And not all was looked at: " + strings.Join(s.cut, "; ") + "."
	}
	return text
}
