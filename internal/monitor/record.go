package monitor

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/parley-im/parley/callback"
)

// Stored is one exception as it was committed.
type Stored struct {
	Position   int64  // order of arrival, from 1, with gaps
	SdkAppid   int64  // the app
	EventID    string // of the sender; empty if it gives none
	Epoch      string // of the sender's journal
	Sequence   uint64 // in the sender's journal; 0 if it gives none
	Code       int    // ErrorCode
	GroupID    string
	From       string          // From_Account
	EventTime  callback.Millis // as sent; 0 if absent
	ReceivedAt time.Time       // of our clock, in milliseconds
	Refusals   int             // how many refusals it stands for, at least 1
	Truncated  int             // bytes the sender cut from MsgBody
	Backfilled bool            // fetched from the sender's journal, not called back
	Body       []byte          // as received
}

// record is one callback on its way to the store, or a probe.
type record struct {
	Stored
	kind     kind
	command  callback.Command
	identity []byte // nil if every arrival is an event of its own
}

type kind uint8

const (
	kindOther     kind = iota // a callback of another command
	kindException             // a group message that was not delivered
	kindProbe                 // nothing but a write, to learn whether it is possible
	kindJournal               // how an app's journal stands; Body is the state
)

// maxRefusals bounds what one callback may add to the totals.
const maxRefusals = 1_000_000_000

func newRecord(ev *callback.Event) record {
	rec := record{
		command: ev.Command,
		Stored: Stored{
			SdkAppid:   ev.SdkAppid,
			EventID:    ev.Delivery.ID,
			Epoch:      ev.Delivery.Epoch,
			Sequence:   ev.Delivery.Sequence,
			Refusals:   min(ev.Delivery.Count, maxRefusals),
			Truncated:  ev.Delivery.Truncated,
			Backfilled: ev.Backfilled,
			ReceivedAt: time.UnixMilli(ev.ReceivedAt.UnixMilli()),
			Body:       ev.Raw,
		},
	}
	failed, ok := ev.Body.(*callback.SendMsgException)
	if ok {
		rec.kind = kindException
		rec.Code, rec.GroupID, rec.From, rec.EventTime = failed.ErrorCode, failed.GroupID, failed.FromAccount, failed.EventTime
	}
	switch {
	case ev.Delivery.Present:
		rec.identity = identity("id", ev.Delivery.Epoch, ev.Delivery.ID)
	case ok && ev.BodyErr == nil:
		rec.identity = identity("fields", failed.GroupID, failed.FromAccount,
			string(binary.BigEndian.AppendUint64(nil, uint64(failed.Random))),
			string(binary.BigEndian.AppendUint64(nil, uint64(failed.EventTime))),
			string(binary.BigEndian.AppendUint64(nil, uint64(failed.ErrorCode))))
	case ok:
		// Fields that could not be read would make different events equal.
		rec.identity = identity("body", string(ev.Raw))
	}
	return rec
}

// identity hashes parts so that no two different lists give the same bytes.
func identity(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)[:16]
}
