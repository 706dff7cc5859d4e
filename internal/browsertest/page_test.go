package browsertest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/browsertest"
)

const document = `<!DOCTYPE html><title>Test</title><body>
<label>Name <input id=name></label><label>Kind <select id=kind><option value=1>one</option><option value=2>two</option></select></label>
<button id=go disabled>Go</button><p id=said></p><a href="/next">Next</a><div id=wide></div>
<script>
	const by = (id) => document.getElementById(id);
	setTimeout(() => { by("go").disabled = false; document.body.prepend(Object.assign(document.createElement("h1"), { textContent: "It   moved" })); }, 100);
	by("go").onclick = () => setTimeout(() => { by("said").textContent = by("name").value + " " + by("kind").value; }, 50);
</script>`

// serve answers every address with a document, and tells what was asked.
func serve(t *testing.T, policy, text string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		if r.URL.Path == "/favicon.ico" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, text+"<p>"+r.URL.Path+" "+r.Header.Get("Accept-Language")+"</p>")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestABrowser(t *testing.T) {
	b := browsertest.Start(t)
	for name, test := range map[string]func(*testing.T, *browsertest.Browser){
		"a page is used as people do":                                use,
		"faults of the page fail the test, unless they are expected": faults,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

func use(t *testing.T, b *browsertest.Browser) {
	p := b.Open(t, browsertest.Look{Width: 400, Height: 300, Dark: true, Language: "ko-KR"}, serve(t, "", document))
	p.See("it moved", "ko-KR")
	p.Fill("Name", "Mei")
	p.Choose("Kind", "two")
	p.Click("Go")
	p.See("Mei 2")
	p.Fill("Name", "")
	if got := p.Value("Name"); got != "" {
		t.Errorf("the name is %q after it was emptied", got)
	}
	if got := browsertest.Eval[string](p, `[innerWidth, matchMedia("(prefers-color-scheme: dark)").matches, navigator.language].join()`); got != "400,true,ko-KR" {
		t.Errorf("the page is looked at as %s", got)
	}
	if pixels, _ := p.Overflow(); pixels != 0 {
		t.Errorf("it is %d pixels too wide", pixels)
	}
	browsertest.Eval[bool](p, `(by("wide").style.cssText = "width: 500px; height: 1px"), true`)
	if pixels, element := p.Overflow(); pixels < 90 || !strings.Contains(element, "id=\"wide\"") {
		t.Errorf("it is %d pixels too wide by %s", pixels, element)
	}
	p.Click("Next")
	p.See("/next")
	p.Back()
	p.Gone("/next")
}

// told is a test that keeps what it is told.
type told struct {
	testing.TB
	errors []string
	ends   []func()
}

func (t *told) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}
func (t *told) Cleanup(end func()) { t.ends = append(t.ends, end) }

func faults(t *testing.T, b *browsertest.Browser) {
	for name, c := range map[string]struct{ policy, text, want string }{
		"console":   {"", `<script>console.error("it is", "bad")</script>`, "it is"},
		"exception": {"", `<script>null.x</script>`, "TypeError"},
		"promise":   {"", `<script>Promise.reject(new Error("nobody caught it"))</script>`, "nobody caught it"},
		"policy":    {"script-src 'none'", `<script>1</script>`, "Content Security Policy"},
		"missing":   {"img-src 'none'", `<img src=/x.png>`, "Content Security Policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, expected := range []bool{false, true} {
				inner := &told{TB: t}
				p := b.Open(inner, browsertest.Look{}, serve(t, c.policy, c.text))
				if expected {
					p.Expect(c.want)
				}
				p.See("/")
				for _, end := range inner.ends {
					end()
				}
				if all := strings.Join(inner.errors, "\n"); strings.Contains(all, c.want) == expected {
					t.Errorf("expected %v: the test was told %q", expected, all)
				}
			}
		})
	}
}
