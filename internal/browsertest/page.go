package browsertest

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Patience is how long a page may take for one step.
const Patience = 30 * time.Second

// finder has the functions that find things in a page as people do.
//
//go:embed finder.js
var finder string

// Look is how a page is looked at. The zero value is a wide light window in
// English.
type Look struct {
	Width, Height int            // in CSS pixels; 0 is 1280 by 900
	Dark          bool           // prefers-color-scheme
	Language      string         // what the browser prefers, for example "ko"; "" is en
	Cookies       []*http.Cookie // that it has already, for the host of the first URL
	Zone          string         // time zone, for example "Asia/Seoul"; "" is the machine's
}

// Page is a tab. Its methods are for the goroutine of its test.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	faults   []string
	expected []string
}

// Open opens a tab with cookies of its own at a URL, until t ends.
func (b *Browser) Open(t testing.TB, look Look, url string) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	p := &Page{t: t, ctx: ctx}
	t.Cleanup(func() {
		if t.Failed() {
			p.keep()
		}
		cancel()
		p.judge()
	})
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p.Resize(look.Width, look.Height)
	// Tabs side by side each believe they have the focus.
	p.do("focus", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	})
	p.Scheme(look.Dark)
	language := look.Language
	if language == "" {
		language = "en"
	}
	agent := evaluate[string](p, "navigator.userAgent")
	p.do("language", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language})
		return err
	})
	if look.Zone != "" {
		p.do("time zone", func(ctx context.Context) error {
			_, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: look.Zone})
			return err
		})
	}
	for _, c := range look.Cookies {
		p.do("cookie "+c.Name, func(ctx context.Context) error {
			_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: url, Path: c.Path})
			return err
		})
	}
	p.Go(url)
	return p
}

// Go loads a URL, as if it were typed.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.do("go to "+url, func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Navigate(url)) })
}

// Back goes back in the tab's history.
func (p *Page) Back() {
	p.t.Helper()
	evaluate[bool](p, "history.back(), true")
}

// Resize changes the size of the window, in CSS pixels; 0 is 1280 by 900.
func (p *Page) Resize(width, height int) {
	p.t.Helper()
	if width == 0 {
		width = 1280
	}
	if height == 0 {
		height = 900
	}
	p.do("resize", func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), int64(height)))
	})
}

// Scheme changes what the viewer prefers, dark or light.
func (p *Page) Scheme(dark bool) {
	p.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.do("prefer "+scheme, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// See waits until all the texts are seen on the page. White space and case of
// the style do not count.
func (p *Page) See(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.wait(fmt.Sprintf("see %q", text), call("sees", text))
	}
}

// Gone waits until a text is not seen.
func (p *Page) Gone(text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("no more see %q", text), "!"+call("sees", text))
}

// Sees says whether a text is seen now.
func (p *Page) Sees(text string) bool {
	p.t.Helper()
	return evaluate[bool](p, finder+call("sees", text))
}

// Click clicks the button, link or summary with exactly that text, or that
// accessible name, once it can be clicked. Of several it takes the one in an open
// dialog, else the first.
func (p *Page) Click(text string) {
	p.t.Helper()
	p.clickAt(fmt.Sprintf("click %q", text), call("button", text))
}

// ClickOn clicks the first element that a CSS selector finds.
func (p *Page) ClickOn(selector string) {
	p.t.Helper()
	p.clickAt("click on "+selector, call("visible", selector))
}

func (p *Page) clickAt(step, element string) {
	p.t.Helper()
	for began := time.Now(); ; {
		var at struct{ X, Y float64 }
		p.waitFor(step, "place("+element+")", &at)
		p.do(step, func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.MouseClickXY(at.X, at.Y)) })
		// What came between the look and the click may have moved the element away.
		if evaluate[bool](p, "globalThis.browsertestHit !== false") {
			return
		}
		if time.Since(began) > Patience {
			p.t.Fatalf("%s: it does not stay in its place", step)
		}
	}
}

// Fill types a text into the field with that label, in place of what is there.
func (p *Page) Fill(label, text string) {
	p.t.Helper()
	step := fmt.Sprintf("fill %q", label)
	p.wait(step, "select("+call("field", label)+")")
	if text == "" {
		p.Key("\b")
		return
	}
	p.do(step, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// Choose chooses the option with that text in the list with that label.
func (p *Page) Choose(label, option string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("choose %q of %q", option, label), "choose("+call("field", label)+", "+quote(option)+")")
}

// Value is what stands in the field with that label.
func (p *Page) Value(label string) string {
	p.t.Helper()
	var value string
	p.waitFor(fmt.Sprintf("read %q", label), call("valueOf", label), &value)
	return value
}

// Key presses a key, or types text key by key.
func (p *Page) Key(keys string) {
	p.t.Helper()
	p.do(fmt.Sprintf("press %q", keys), func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.KeyEvent(keys)) })
}

// Wait waits until a JavaScript expression is true.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	p.wait("wait for "+expression, "("+expression+")")
}

// URL is the address shown.
func (p *Page) URL() string {
	p.t.Helper()
	return evaluate[string](p, "location.href")
}

// Eval is the value of a JavaScript expression.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	return evaluate[T](p, expression)
}

// Overflow tells by how many pixels the page is wider than its window, and the
// element that sticks out furthest.
func (p *Page) Overflow() (pixels int, element string) {
	p.t.Helper()
	got := evaluate[struct {
		Pixels  int
		Element string
	}](p, finder+"overflow()")
	return got.Pixels, got.Element
}

// Shot saves a picture of the whole page in the folder that PARLEY_TEST_SHOTS
// names; without it nothing is done.
func (p *Page) Shot(name string) {
	p.t.Helper()
	if dir := os.Getenv("PARLEY_TEST_SHOTS"); dir != "" {
		p.shoot(filepath.Join(dir, name+".png"))
	}
}

func (p *Page) shoot(file string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		p.t.Errorf("picture: %v", err)
	}
}

// keep saves what a failed test saw last.
func (p *Page) keep() {
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	if err == nil {
		p.t.Logf("the page shows:\n%s", text)
	}
	if dir := os.Getenv("PARLEY_TEST_SHOTS"); dir != "" {
		p.shoot(filepath.Join(dir, "failed-"+strings.ReplaceAll(p.t.Name(), "/", "-")+".png"))
	}
}

// Expect names faults of the page that are meant to happen: those that contain
// the text.
func (p *Page) Expect(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, text)
}

// hear collects what goes wrong in the page.
func (p *Page) hear(event any) {
	fault := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning && e.Type != runtime.ConsoleAPICalledTypeAssert {
			return
		}
		fault = "console: " + string(e.Type)
		for _, a := range e.Args {
			fault += " " + a.Description + string(a.Value)
		}
	case *runtime.EventExceptionThrown:
		fault = "exception: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			fault += " " + x.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		fault = string(e.Entry.Source) + ": " + e.Entry.Text + " " + e.Entry.URL
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, fault)
}

// judge fails the test for what nobody expected.
func (p *Page) judge() {
	p.mu.Lock()
	defer p.mu.Unlock()
next:
	for _, fault := range p.faults {
		for _, text := range p.expected {
			if strings.Contains(fault, text) {
				continue next
			}
		}
		p.t.Errorf("the page: %s", fault)
	}
}

// do takes one step.
func (p *Page) do(step string, action func(context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	if err := action(ctx); err != nil {
		p.t.Fatalf("%s: %v", step, err)
	}
}

// wait waits until an expression over finder is true.
func (p *Page) wait(step, expression string) {
	p.t.Helper()
	var yes bool
	p.waitFor(step, "!!("+expression+")", &yes)
}

// waitFor waits until an expression over finder is something, and decodes it.
// A page that goes away meanwhile is followed to the next one.
func (p *Page) waitFor(step, expression string, into any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	script := finder + "until(() => " + expression + ")"
	for {
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
		switch {
		case err == nil:
			if err := json.Unmarshal([]byte(text), into); err != nil {
				p.t.Fatalf("%s: %v", step, err)
			}
			return
		case ctx.Err() != nil:
			p.t.Fatalf("%s: not within %v", step, Patience)
		case !movedOn(err):
			p.t.Fatalf("%s: %v", step, err)
		}
	}
}

// movedOn says whether a script ended because its page was left.
func movedOn(err error) bool {
	for _, text := range []string{"context was destroyed", "Cannot find context", "navigated or closed", "Promise was collected", "uniqueContextId not found"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

func evaluate[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("evaluate %s: %v", strings.TrimPrefix(expression, finder), err)
	}
	return value
}

// call is a call of one of finder's functions with a text.
func call(function, text string) string { return function + "(" + quote(text) + ")" }

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(quoted)
}
