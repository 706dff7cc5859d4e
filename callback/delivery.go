package callback

import (
	"net/http"
	"strconv"
)

// The headers that Parley adds to each callback. Their meaning is told at the
// fields of [Delivery].
const (
	HeaderWebhookID = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature" // see [SignWebhook]
	HeaderSequence  = "Parley-Sequence"
	HeaderEpoch     = "Parley-Epoch"
	HeaderPrevious  = "Parley-Previous"
	HeaderSettled   = "Parley-Settled"
	HeaderAttempt   = "Parley-Attempt"
	HeaderReplay    = "Parley-Replay"
	HeaderCount     = "Parley-Count"
	HeaderTruncated = "Parley-Truncated"
	HeaderTest      = "Parley-Test"
)

// Delivery is what Parley's headers say about a callback's place among the
// others. From a sender that does not set them it is zero.
//
// To drop duplicates, remember (SdkAppid, Epoch, ID). To notice a loss: an
// event of the same epoch that this endpoint subscribes to is missing when its
// sequence is at most Settled and it was not seen; until then it may be under
// way. Each event names the one before it in Previous. [Tracker] does that, and
// [Fill] fetches what is missing.
type Delivery struct {
	Present   bool   // the request carried an event id
	ID        string // the event, the same on every attempt, replay and endpoint
	Sequence  uint64 // the event's number in its app, from 1 without gaps
	Epoch     string // the journal that sequences belong to; a new one starts a new count
	Previous  uint64 // sequence of the event before it for this endpoint; 0 for the first
	Settled   uint64 // everything for this endpoint up to here was delivered or given up
	Attempt   int    // from 1
	Replay    bool   // sent again on somebody's request
	Count     int    // how many like refusals it stands for, at least 1
	Truncated int    // bytes that were cut from MsgBody; 0 is none
	Timestamp int64  // of the attempt, Unix seconds; 0 if absent
	Test      bool   // a sample that somebody had sent to try the endpoint: it is in no journal
}

// ReadDelivery returns what the headers of a callback say. What is absent or
// not a number is zero; Count and Attempt are then 1.
func ReadDelivery(h http.Header) Delivery {
	return Delivery{
		Present:   h.Get(HeaderWebhookID) != "",
		ID:        h.Get(HeaderWebhookID),
		Sequence:  headerUint(h, HeaderSequence),
		Epoch:     h.Get(HeaderEpoch),
		Previous:  headerUint(h, HeaderPrevious),
		Settled:   headerUint(h, HeaderSettled),
		Attempt:   max(1, headerInt(h, HeaderAttempt)),
		Replay:    h.Get(HeaderReplay) == "1",
		Count:     max(1, headerInt(h, HeaderCount)),
		Truncated: max(0, headerInt(h, HeaderTruncated)),
		Timestamp: max(0, int64(headerInt(h, HeaderTimestamp))),
		Test:      h.Get(HeaderTest) == "1",
	}
}

// SetHeaders sets the headers that say d; it is what a sender calls. Timestamp,
// Replay, Test, Count and Truncated are set only when they say something.
func (d Delivery) SetHeaders(h http.Header) {
	if d.ID == "" {
		return
	}
	h.Set(HeaderWebhookID, d.ID)
	h.Set(HeaderSequence, strconv.FormatUint(d.Sequence, 10))
	h.Set(HeaderEpoch, d.Epoch)
	h.Set(HeaderPrevious, strconv.FormatUint(d.Previous, 10))
	h.Set(HeaderSettled, strconv.FormatUint(d.Settled, 10))
	h.Set(HeaderAttempt, strconv.Itoa(max(1, d.Attempt)))
	if d.Timestamp > 0 {
		h.Set(HeaderTimestamp, strconv.FormatInt(d.Timestamp, 10))
	}
	if d.Replay {
		h.Set(HeaderReplay, "1")
	}
	if d.Test {
		h.Set(HeaderTest, "1")
	}
	if d.Count > 1 {
		h.Set(HeaderCount, strconv.Itoa(d.Count))
	}
	if d.Truncated > 0 {
		h.Set(HeaderTruncated, strconv.Itoa(d.Truncated))
	}
}

func headerUint(h http.Header, name string) uint64 {
	n, err := strconv.ParseUint(h.Get(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func headerInt(h http.Header, name string) int {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil {
		return 0
	}
	return n
}
