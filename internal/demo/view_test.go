package demo

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/api"
)

var update = flag.Bool("update", false, "write the golden files")

// story is a bit of everything that a view can be asked to show.
func story() []entry {
	r := muted("a", 14)
	r.note = "in this group"
	long := refusal{event: "b", at: at(2050), code: api.CodeMessageTooLong, group: "@TGS#_makers", from: "hiroshi", text: strings.Repeat("ログを全部貼ります。", 300)}
	odd := refusal{event: "c", at: at(3000), code: 10123, info: "no \x1b[31mlinks", from: "administrator", text: "{\"GroupId\":\n\x07\u202e"}
	return []entry{
		noteEntry{text: "monitor page: http://127.0.0.1:8090/"},
		settledEntry{settled{refusal: r, after: 3200 * time.Microsecond}},
		settledEntry{settled{refusal: long}},
		overdueEntry{odd},
		settledEntry{settled{refusal: odd, after: 5120 * time.Millisecond, late: true}},
		noteEntry{text: "level=WARN msg=\"the store is slow\"", warn: true},
	}
}

func someState(elapsed time.Duration) state {
	return state{
		elapsed: elapsed, monitor: "http://127.0.0.1:8090/", console: "http://127.0.0.1:8081/admin/", chat: "http://127.0.0.1:8070/", latest: "mei in tea-house: “好的，靠窗的位置给你们留着”",
		totals: totals{
			sends: 134, accepted: 117, refused: 16, unanswered: 1, arrived: 15, waiting: 1,
			codes: map[api.Code]int{10010: 3, 10023: 6, 10017: 4, 80001: 2, 10123: 1},
			p50:   1400 * time.Microsecond, p95: 12 * time.Millisecond, max: 5120 * time.Millisecond,
		},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func TestPlainViewWritesOneLineForEachEntryAndTotalsFromTimeToTime(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := &plainView{out: &out, every: 10 * time.Second}
	all := story()
	for i, elapsed := range []time.Duration{time.Second, 9 * time.Second, 10 * time.Second, 11 * time.Second, 20 * time.Second, 3605 * time.Second} {
		if err := v.show(all[i:i+1], someState(elapsed)); err != nil {
			t.Fatal(err)
		}
	}
	ending := someState(4000 * time.Second)
	ending.ending = true
	if err := v.show(nil, ending); err != nil {
		t.Fatal(err)
	}
	golden(t, "plain.txt", out.String())
	if strings.ContainsAny(out.String(), "\x1b\x07\u202e") {
		t.Error("a control character got through")
	}
}

func TestScreenViewOfSeveralWidths(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{140, 80, 40} {
		var out bytes.Buffer
		v := &screenView{out: &out, size: func() (int, int) { return columns, 40 }}
		for i, e := range story() {
			if err := v.show([]entry{e}, someState(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, "screen"+strconv.Itoa(columns)+".txt", strings.Join(emulate(t, out.String()), "\n")+"\n")
	}
}

func TestScreenNeverWritesBeyondItsWidthAndLeavesNoBlockBehind(t *testing.T) {
	t.Parallel()
	for columns := leastWidth + 1; columns <= 150; columns += 5 {
		for _, rows := range []int{0, 1, 3, 8, 30} {
			var out bytes.Buffer
			v := &screenView{out: &out, size: func() (int, int) { return columns, rows }, paint: palette{colours: true}}
			for _, e := range story() {
				if err := v.show([]entry{e}, someState(0)); err != nil {
					t.Fatal(err)
				}
			}
			if got := len(v.block); got > max(1, rows/2) {
				t.Fatalf("%d of %d rows are taken", got, rows)
			}
			if err := v.end(); err != nil {
				t.Fatal(err)
			}
			screen := emulate(t, out.String())
			for _, line := range screen {
				if cells(line) >= columns {
					t.Fatalf("%d columns: %q is %d wide", columns, line, cells(line))
				}
				if strings.Contains(line, "──") || strings.Contains(line, "sends") {
					t.Fatalf("%d columns: the block is still there: %q", columns, line)
				}
			}
		}
	}
}

func TestScreenThatBecameNarrowerIsErasedWithItsBrokenLines(t *testing.T) {
	t.Parallel()
	v := &screenView{block: []int{79, 60, 0, 30}}
	for columns, want := range map[int]string{80: "\r\x1b[3A\x1b[J", 40: "\r\x1b[5A\x1b[J", 30: "\r\x1b[6A\x1b[J"} {
		if got := v.erase(columns); got != want {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
}

var control = regexp.MustCompile("^\x1b\\[([0-9;]*)([A-Za-z])")

// emulate is what an endless terminal shows after text.
func emulate(t *testing.T, text string) []string {
	t.Helper()
	screen, row := [][]byte{nil}, 0
	for text != "" {
		if m := control.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			switch m[2] {
			case "A":
				n, err := strconv.Atoi(m[1])
				if err != nil || n > row {
					t.Fatalf("%q moves up from row %d", m[0], row)
				}
				row -= n
			case "J":
				screen[row] = nil
				screen = screen[:row+1]
			case "m":
			default:
				t.Fatalf("unexpected %q", m[0])
			}
			continue
		}
		switch c := text[0]; c {
		case '\n':
			if row++; row == len(screen) {
				screen = append(screen, nil)
			}
		case '\r':
		case 0x1b, 7:
			t.Fatalf("unexpected control character in %q", text[:min(20, len(text))])
		default:
			screen[row] = append(screen[row], c)
		}
		text = text[1:]
	}
	lines := make([]string, len(screen))
	for i, line := range screen {
		lines[i] = string(line)
	}
	return lines
}

func TestCells(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want int
	}{{"", 0}, {"abc", 3}, {"茶馆", 4}, {"ｱ", 1}, {"é", 1}, {"e\u0301", 1}, {"골!", 3}, {"Я…", 2}, {"نور", 3}, {"a\u200bb", 2}, {"🏆", 2}} {
		if got := cells(test.text); got != test.want {
			t.Errorf("%q takes %d cells, want %d", test.text, got, test.want)
		}
		for n := range 8 {
			if got := cells(fit(test.text, n)); got > n {
				t.Errorf("%q cut to %d takes %d cells", test.text, n, got)
			}
			if got := cells(pad(test.text, n)); got != n {
				t.Errorf("%q filled to %d takes %d cells", test.text, n, got)
			}
		}
	}
	if got := fit("abc def", 5); got != "abc…" {
		t.Errorf("cut to %q", got)
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "<1 ms", 999 * time.Microsecond: "<1 ms", time.Millisecond: "1 ms", 3290 * time.Microsecond: "3.2 ms",
		12500 * time.Microsecond: "12 ms", 999900 * time.Microsecond: "999 ms", 5120 * time.Millisecond: "5.1 s", 61 * time.Second: "61 s",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
