// Package browsertest drives a real Chromium in tests of pages.
//
// A [Browser] is one process; it is slow to start, so the tests of a package
// share one. A [Page] is a tab with cookies and cache of its own. Every method
// waits until what it needs is there, for [Patience] at most, and fails the
// test otherwise. Nothing sleeps: the page itself says when it has changed.
//
// What the page did wrong by itself fails the test at its end: errors and
// warnings on its console, uncaught exceptions, violations of its Content
// Security Policy, resources that could not be loaded. [Page.Expect] names those
// that a test provokes.
//
// Without Chromium a test is skipped, unless PARLEY_TEST_BROWSER is 1.
package browsertest
