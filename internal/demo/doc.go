// Package demo shows the whole of Parley in one process: a server and a monitor
// on loopback, an app with accounts and groups made through the REST API, and a
// small crowd that talks in them. Most of what the crowd says is delivered; the
// rest is refused, for each of the documented reasons in turn, and every
// refusal comes back as a real HTTP callback to the monitor.
//
// One [Run] is one demonstration. The crowd and the monitor's hook report to a
// desk, which keeps the books (what was sent, which refusal waits for its
// callback) and hands lines to a view: plain lines, or lines above a status
// block on a terminal. Neither the crowd nor the monitor ever waits for the
// view.
//
// Beside the crowd's app there is another for the chat page, on which people
// talk themselves and see their refusals arrive. Its sends are counted apart.
//
// At the end the crowd stops first; then Run closes the chat page and waits, for a bounded time, until
// every refusal's callback has arrived, compares its own books with the totals
// of server and monitor, stops both, removes their data and says what it did.
package demo
