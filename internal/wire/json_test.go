package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// canonical reads one whole JSON text the way a MsgBody is read.
func canonical(in []byte) (out []byte, size int, err error) {
	p := parser{in: in, keep: true}
	if _, err := p.value(); err != nil {
		return nil, 0, err
	}
	if p.space(); p.pos != len(in) {
		return nil, 0, errSyntax
	}
	return p.out, p.size, nil
}

// reference is the canonical form and the length of all string values, made
// with the standard library.
func reference(t interface{ Fatal(...any) }, in []byte) ([]byte, int) {
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return rawSeparators(bytes.TrimSuffix(out.Bytes(), []byte("\n"))), stringBytes(v)
}

// rawSeparators undoes the escapes of U+2028 and U+2029, which the standard
// library always writes.
func rawSeparators(in []byte) (out []byte) {
	for len(in) > 0 {
		switch {
		case in[0] != '\\':
			out, in = append(out, in[0]), in[1:]
		case bytes.HasPrefix(in, []byte(`\u2028`)):
			out, in = append(out, "\u2028"...), in[6:]
		case bytes.HasPrefix(in, []byte(`\u2029`)):
			out, in = append(out, "\u2029"...), in[6:]
		default:
			out, in = append(out, in[:2]...), in[2:]
		}
	}
	return out
}

// stringBytes is the length of all string values in v, names not counted.
func stringBytes(v any) (n int) {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		for _, item := range v {
			n += stringBytes(item)
		}
	case map[string]any:
		for _, item := range v {
			n += stringBytes(item)
		}
	}
	return n
}

// depth is how deep a valid JSON text is nested.
func depth(t interface{ Fatal(...any) }, in []byte) (deepest int) {
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	for open := 0; ; {
		token, err := d.Token()
		if err == io.EOF {
			return deepest
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
			deepest = max(deepest, open)
		case json.Delim('}'), json.Delim(']'):
			open--
		}
	}
}

func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"white space goes":                      {" {\t\"a\" :\r\n[ 1 , 2 ] } ", `{"a":[1,2]}`},
		"names are put in order on every level": {`{"b":{"d":1,"c":2},"a":[{"f":1,"e":2}]}`, `{"a":[{"e":2,"f":1}],"b":{"c":2,"d":1}}`},
		"of equal names the last stays":         {`{"a":1,"b":2,"a":3,"a":4}`, `{"a":4,"b":2}`},
		"an escaped name is the same name":      {`{"\u0061":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		"order is that of what names stand for": {`{"\u007a":1,"b":2,"\"":3,"A":4}`, `{"\"":3,"A":4,"b":2,"z":1}`},
		"a prefix comes first":                  {`{"ab":1,"a":2}`, `{"a":2,"ab":1}`},
		"escapes become characters":             {`"\u0041\u00e9\u7ea2\ud83e\udde7\/"`, `"Aé红🧧/"`},
		"control characters stay escaped":       {`"\u0000\u001F\b\f\n\r\t\u0008"`, `"\u0000\u001f\b\f\n\r\t\b"`},
		"quote and backslash stay escaped":      {`"\u0022\u005c\"\\"`, `"\"\\\"\\"`},
		"separators stay raw":                   {"\"\u2028\\u2029<>&\u007f\"", "\"\u2028\u2029<>&\u007f\""},
		"first half of a pair alone":            {`"\ud83e"`, `"�"`},
		"first half before another character":   {`"\ud83e\u0041x"`, `"�Ax"`},
		"second half alone":                     {`"\udde7"`, `"�"`},
		"halves the wrong way round":            {`"\udde7\ud83e"`, `"��"`},
		"two first halves and a second":         {`"\ud83e\ud83e\udde7"`, `"�🧧"`},
		"numbers keep their digits":             {`[1e400,123456789012345678901234567890,-0,1.0,0.10E+05]`, `[1e400,123456789012345678901234567890,-0,1.0,0.10E+05]`},
		"words":                                 {`[true,false,null]`, `[true,false,null]`},
		"empty ones":                            {`[ { } , [ ] , "" , {"" : ""} ]`, `[{},[],"",{"":""}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, _, err := canonical([]byte(c.in))
			if err != nil || string(out) != c.want {
				t.Errorf("%s becomes %s, %v; want %s", c.in, out, err, c.want)
			}
		})
	}
}

func TestWhatIsNoJSONIsRefused(t *testing.T) {
	t.Parallel()
	for _, in := range append(brokenJSON,
		strings.Repeat("[", MaxDepth+1)+strings.Repeat("]", MaxDepth+1),
		strings.Repeat(`{"a":`, MaxDepth+1)+"1"+strings.Repeat("}", MaxDepth+1)) {
		if out, _, err := canonical([]byte(in)); err == nil {
			t.Errorf("%q was read as %s", in, out)
		}
	}
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	if _, _, err := canonical([]byte(deep)); err != nil {
		t.Errorf("nesting of %d was refused", MaxDepth)
	}
}

// brokenJSON has a text for each way to be no JSON.
var brokenJSON = []string{
	"", " ", "{", "}", "[", "]", `"`, `"a`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\u`, "\"\n\"", "\"\x00\"", "\"a\\n\x1f\"",
	"tru", "truE", "nul", "fals", "nulll", "+1", "-", "01", "1.", ".5", "1e", "1e+", "-a", "0x1", "NaN", "Infinity", "1_000",
	"[1,]", "[,1]", "[1 2]", "[1", "[1,", `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{'a':1}`, `{"a" 1}`, `{"a":1 "b":2}`, `{1:2}`, `{"a":1`, `{"a":1,`,
	"1 2", "{}x", "[]]", "// c\n1", "\ufeff{}", "\v1",
}

func FuzzParse(f *testing.F) {
	for _, in := range brokenJSON {
		f.Add([]byte(in))
	}
	for _, in := range []string{
		`{"b":1,"a":"\u0062","\u0061":[true,false,null,{}]}`, `[1e400,-0,12345678901234567890123,0.1e-7]`,
		`"\ud83e\udde7\ud83e\u0041\udde7\ud83e"`, "\"\\u0000\\u2028\u2029\\/\\b\\\\\"", "\"\xff\"", `"�"`,
		`{"k":"a","k":{"x":"bb","x":"c"},"j":["d"],"k":["e","ff"]}`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if !utf8.Valid(in) {
			t.Skip("readers refuse it before")
		}
		out, size, err := canonical(in)
		if want := json.Valid(in) && depth(t, in) <= MaxDepth; want != (err == nil) {
			t.Fatalf("%q: %v, valid: %v", in, err, want)
		}
		if err == nil {
			checkCanonical(t, in, out, size)
		}
	})
}

func checkCanonical(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, in, out []byte, size int) {
	want, wantSize := reference(t, in)
	if !bytes.Equal(out, want) {
		t.Fatalf("%q\nbecomes %s\nwant    %s", in, out, want)
	}
	if size != wantSize {
		t.Fatalf("%q has %d bytes of text, want %d", in, size, wantSize)
	}
	again, _, err := canonical(out)
	if err != nil || !bytes.Equal(again, out) {
		t.Fatalf("%s\nread again becomes %s, %v", out, again, err)
	}
}

func TestPropertyCanonicalFormIsThatOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := []byte(jsonText(t, 5))
		out, size, err := canonical(in)
		if err != nil {
			t.Fatalf("%s was refused", in)
		}
		checkCanonical(t, in, out, size)
	})
}

func TestPropertyAnyTextSurvivesAsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		quoted := appendText(nil, s)
		var back string
		if err := json.Unmarshal(quoted, &back); err != nil || utf8.ValidString(s) && back != s {
			t.Fatalf("%q becomes %s, %v", s, quoted, err)
		}
		if !bytes.Equal(quoted, appendText(nil, []byte(s))) {
			t.Fatalf("%q is written otherwise as bytes", s)
		}
		if utf8.ValidString(s) && unquote(quoted) != s {
			t.Fatalf("%q comes back as %q", s, unquote(quoted))
		}
		if !utf8.Valid(quoted) {
			t.Fatalf("%q is not UTF-8", quoted)
		}
	})
}

// jsonText draws a JSON value in some odd but valid spelling. Few names, so
// that they repeat.
func jsonText(t *rapid.T, levels int) string {
	space := func() string { return rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r "}).Draw(t, "space") }
	kinds := 4
	if levels > 0 {
		kinds = 6
	}
	var b strings.Builder
	b.WriteString(space())
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		b.WriteString(rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word"))
	case 1:
		b.WriteString(rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?`).Draw(t, "number"))
	case 2, 3:
		b.WriteString(quotedText(t, rapid.String().Draw(t, "text")))
	case 4:
		items := make([]string, rapid.IntRange(0, 4).Draw(t, "items"))
		for i := range items {
			items[i] = jsonText(t, levels-1)
		}
		b.WriteString("[" + strings.Join(items, ",") + space() + "]")
	case 5:
		items := make([]string, rapid.IntRange(0, 5).Draw(t, "members"))
		for i := range items {
			name := rapid.SampledFrom([]string{"a", "b", "A", "", "ab", `"`, `\`, "é", "\x00", "z"}).Draw(t, "name")
			items[i] = space() + quotedText(t, name) + space() + ":" + jsonText(t, levels-1)
		}
		b.WriteString("{" + strings.Join(items, ",") + space() + "}")
	}
	b.WriteString(space())
	return b.String()
}

// quotedText spells s as a JSON string, some characters escaped without need.
func quotedText(t *rapid.T, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		must := r < 0x20 || r == '"' || r == '\\'
		if !must && rapid.IntRange(0, 3).Draw(t, "escape") > 0 {
			b.WriteRune(r)
			continue
		}
		b.WriteString(escape(r, rapid.Bool().Draw(t, "upper")))
	}
	b.WriteByte('"')
	return b.String()
}

// escape spells r as \u escapes.
func escape(r rune, upper bool) string {
	format := `\u%04x`
	if upper {
		format = `\u%04X`
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(format+format, high, low)
	}
	return fmt.Sprintf(format, r)
}
