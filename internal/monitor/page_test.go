package monitor_test

import (
	"io"
	"regexp"
	"strings"
	"testing"
)

// The page names every file it needs, is allowed nothing else, and has no
// script or style of its own that the policy would forbid.
func TestPageFitsItsContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	r := start(t, defaults(t))
	resp, err := r.http.Get(r.base + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("content types may be guessed")
	}
	if regexp.MustCompile(`(?i)<style|style=|<script[^>]*>[^<]|\son\w+=|https?://[^w]`).Match(body) {
		t.Error("the page has inline script, style or a foreign address")
	}
	_, script := r.get("/page.js")
	for _, forbidden := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
		if strings.Contains(script, forbidden) {
			t.Errorf("the script uses %s", forbidden)
		}
	}
	for _, match := range regexp.MustCompile(`(?:href|src)="([^":]+)"`).FindAllStringSubmatch(string(body), -1) {
		if status, _ := r.get("/" + strings.TrimPrefix(match[1], "/")); status != 200 {
			t.Errorf("%s is answered %d", match[1], status)
		}
	}
	for _, id := range regexp.MustCompile(`byId\("(\w+)"\)`).FindAllStringSubmatch(script, -1) {
		if !strings.Contains(string(body), `id="`+id[1]+`"`) {
			t.Errorf("the script looks for %s, which the page lacks", id[1])
		}
	}
	if status, _ := r.get("/nothing"); status != 404 {
		t.Errorf("an unknown address is answered %d", status)
	}
}
