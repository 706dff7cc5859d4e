// Package console is what the server shows on its admin address: the console
// page, the metrics, the profiles and the two health addresses.
//
// /metrics, /healthz and /readyz are open. Everything else passes the guard
// (guard.go) and then the login (login.go), on loopback too: a proxy on the
// same host is a loopback peer as well, and so is every other user of the
// machine. The login page and its style pass the guard alone.
//
//   - The guard keeps web pages of others out. It refuses a Host that is not
//     this server's (DNS rebinding), a request that may change something and
//     that no page of ours sent, and one that says it was forwarded by somebody
//     who is no trusted proxy.
//   - The login takes one secret, a password or a random token, by a form or in
//     the Authorization header. Ten wrong secrets within a minute, from
//     whomever, close it for the rest of that minute, for the right secret too:
//     otherwise guessing could go on. Sessions that exist are not touched.
//   - Sessions live in memory: at most 64, each for 12 hours. A restart ends
//     them all.
//
// The page is one document for all its addresses, with one script and one style
// (folder dist, built from web/console). What it shows it asks of /admin/api:
// api.go lets through who is logged in, and refuses a change without the header
// that only our script sends. The package starts no goroutine.
package console
