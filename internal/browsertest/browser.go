package browsertest

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// names are the programs that may be Chromium, the one to prefer first.
var names = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"}

// Browser is a running Chromium. Use it from the tests that it was started for.
type Browser struct{ ctx context.Context }

// Start runs a browser with a profile of its own, until t ends. If there is no
// Chromium it skips t, or fails it when PARLEY_TEST_BROWSER is 1.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := find()
	if path == "" {
		const missing = "no Chromium was found; install it (Debian: chromium), or name it in PARLEY_TEST_CHROMIUM"
		if os.Getenv("PARLEY_TEST_BROWSER") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	all, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.Headless,
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("hide-scrollbars", true),
	)
	ctx, stop := chromedp.NewContext(all)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("closing the browser: %v", err)
		}
		stop()
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx}
}

// find is the path of a Chromium, "" for none.
func find() string {
	if path := os.Getenv("PARLEY_TEST_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
