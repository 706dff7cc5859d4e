// Package callback holds the webhooks that a Tencent-Chat-compatible IM
// backend makes to an application backend: their commands and bodies, their
// signature, and [Receiver], an http.Handler that takes them.
//
// # What a receiver answers
//
// Every request is checked in this order, cheap and secret-independent checks
// first; the first that fails decides the answer:
//
//  1. the method is POST, else 405
//  2. the announced length is at most [MaxBody], else 413
//  3. SdkAppid in the query names a known app, else 403
//  4. Sign and RequestTime fit one of the app's tokens and RequestTime is at
//     most MaxSkew away from now, else 401 (skipped for an app without tokens)
//  5. for an app with webhook keys: webhook-id, webhook-timestamp and
//     webhook-signature are there and the timestamp is at most MaxSkew away
//     from now, else 401
//  6. the body ends within [MaxBody], else 413
//  7. for an app with webhook keys: the signature fits one of them, else 401
//  8. the body is one JSON object, else 400
//  9. CallbackCommand is in the query, and the body names no other, else 400
//  10. the program's own function keeps the event, else 503
//
// So nobody without the token can make the receiver read or parse a body; with
// keys alone a body is read, since the signature covers it, and not parsed. An
// accepted callback is answered 200 with exactly
//
//	{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}
//
// and a refused one with the same three keys, FAIL, 1 and the reason. A sender
// that judges by status tries the refused ones again, which is why an event
// must be stored before OnEvent returns nil, and why it can arrive twice: see
// [Delivery] for how to recognise that.
//
// # Missing nothing
//
// A sender gives up in the end, and an answer can get lost. [Tracker] finds out
// from Parley's headers which events did not arrive, [Backfill] reads them from
// the server, and [Fill] does both: it hands every event to the program once.
//
// # What is tolerated
//
// Unknown commands, unknown keys, absent keys and every spelling that the
// public documents contradict each other in are accepted: EventTime as number
// or text ([Millis]), lists as one text ([StringList]), platform and group
// type names of several ages ([Platform.Canonical], [GroupType.Canonical]). A
// field of an unexpected type costs only itself ([Event.BodyErr]); the bytes
// are always handed over as they came ([Event.Raw]).
//
// The protocol is that of Tencent Cloud Chat, documents 1047/34354 (overview),
// 1047/34355 (commands) and 1047/49462 (failed group messages). The headers
// are Parley's addition; other senders leave them out.
package callback
