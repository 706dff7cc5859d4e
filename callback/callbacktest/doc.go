// Package callbacktest checks a receiver of Tencent-Chat-compatible webhooks:
// it sends sample callbacks, good and bad, and compares what comes back.
//
//	func TestMyReceiver(t *testing.T) {
//		callbacktest.Run(t, myHandler, callbacktest.Config{SdkAppid: 1400000001, Token: "secret"})
//	}
//
// A good sample must be answered 200 with a JSON object that says OK and 0; a
// bad one with the status that tells its sender what is wrong. [Samples] is
// the table; [Sample.Send] also works against a receiver that runs elsewhere.
package callbacktest
