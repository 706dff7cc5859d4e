package wire

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep a request's JSON may be nested.
const MaxDepth = 64

// errSyntax is any fault in the JSON of a request.
var errSyntax = errors.New("wire: not JSON")

// parser reads JSON in one pass and, where asked, writes it again in canonical
// form: no white space, raw UTF-8, keys in alphabetical order on every level,
// of equal keys the last. Numbers keep their digits. The input must be valid
// UTF-8; an escaped half of a surrogate pair becomes U+FFFD.
//
// It exists because the standard library would read a message three times over
// to check, split and order it, on the path that every send takes.
type parser struct {
	in    []byte
	pos   int
	out   []byte // canonical form of what is being kept
	keep  bool
	depth int
	size  int // bytes of the string values read since it was set to 0

	members []member // of the objects being read, as a stack
	scratch []byte
}

// member is one field of an object in out: key and value as canonical text.
type member struct {
	start      int // of the key's quote
	value, end int // of the value
	kind       byte
}

// key is the member's name. Escaped names keep their escapes; no field of the
// protocol has any.
func (m member) key(out []byte) []byte { return out[m.start+1 : m.value-2] }

func (p *parser) space() {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// kind is the first byte of the next value: one of { [ " t f n or 0 for a number.
func (p *parser) peek() (byte, error) {
	p.space()
	if p.pos >= len(p.in) {
		return 0, errSyntax
	}
	switch c := p.in[p.pos]; c {
	case '{', '[', '"', 't', 'f', 'n':
		return c, nil
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return 0, nil
	}
	return 0, errSyntax
}

func (p *parser) expect(c byte) error {
	p.space()
	if p.pos >= len(p.in) || p.in[p.pos] != c {
		return errSyntax
	}
	p.pos++
	return nil
}

// value reads any value and returns its kind.
func (p *parser) value() (kind byte, err error) {
	if kind, err = p.peek(); err != nil {
		return kind, err
	}
	switch kind {
	case '{':
		_, err = p.object(nil)
	case '[':
		err = p.array(func() error {
			_, err := p.value()
			return err
		})
	case '"':
		var n int
		n, err = p.text()
		p.size += n
	case 't':
		err = p.word("true")
	case 'f':
		err = p.word("false")
	case 'n':
		err = p.word("null")
	default:
		err = p.number()
	}
	return kind, err
}

func (p *parser) write(b ...byte) {
	if p.keep {
		p.out = append(p.out, b...)
	}
}

func (p *parser) word(w string) error {
	if !strings.HasPrefix(string(p.in[p.pos:min(len(p.in), p.pos+len(w))]), w) {
		return errSyntax
	}
	p.pos += len(w)
	p.write([]byte(w)...)
	return nil
}

func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.in) && p.in[p.pos] >= '0' && p.in[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) number() error {
	start := p.pos
	if p.in[p.pos] == '-' {
		p.pos++
	}
	if p.pos < len(p.in) && p.in[p.pos] == '0' {
		p.pos++
	} else if !p.digits() {
		return errSyntax
	}
	if p.pos < len(p.in) && p.in[p.pos] == '.' {
		p.pos++
		if !p.digits() {
			return errSyntax
		}
	}
	if p.pos < len(p.in) && (p.in[p.pos] == 'e' || p.in[p.pos] == 'E') {
		p.pos++
		if p.pos < len(p.in) && (p.in[p.pos] == '+' || p.in[p.pos] == '-') {
			p.pos++
		}
		if !p.digits() {
			return errSyntax
		}
	}
	p.write(p.in[start:p.pos]...)
	return nil
}

// text reads a string and returns the length of what it stands for.
func (p *parser) text() (int, error) {
	p.pos++ // the quote
	start := p.pos
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		if c == '"' {
			s := p.in[start:p.pos]
			p.pos++
			p.write('"')
			p.write(s...)
			p.write('"')
			return len(s), nil
		}
		if c == '\\' || c < 0x20 {
			break
		}
		p.pos++
	}
	return p.escapedText(start)
}

// escapedText goes on where text met the first escape.
func (p *parser) escapedText(start int) (int, error) {
	s := append(p.scratch[:0], p.in[start:p.pos]...)
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		switch {
		case c == '"':
			p.pos++
			p.scratch = s
			if p.keep {
				p.out = appendText(p.out, s)
			}
			return len(s), nil
		case c < 0x20:
			return 0, errSyntax
		case c != '\\':
			s = append(s, c)
			p.pos++
			continue
		}
		if p.pos+1 >= len(p.in) {
			return 0, errSyntax
		}
		c = p.in[p.pos+1]
		p.pos += 2
		switch c {
		case '"', '\\', '/':
			s = append(s, c)
		case 'b':
			s = append(s, '\b')
		case 'f':
			s = append(s, '\f')
		case 'n':
			s = append(s, '\n')
		case 'r':
			s = append(s, '\r')
		case 't':
			s = append(s, '\t')
		case 'u':
			r, ok := p.hex4(p.pos)
			if !ok {
				return 0, errSyntax
			}
			p.pos += 4
			if utf16.IsSurrogate(r) {
				if low, ok := p.lowSurrogate(); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
					r = utf16.DecodeRune(r, low)
					p.pos += 6
				} else {
					r = utf8.RuneError
				}
			}
			s = utf8.AppendRune(s, r)
		default:
			return 0, errSyntax
		}
	}
	return 0, errSyntax
}

// lowSurrogate looks at the escape that may follow the first half of a pair.
func (p *parser) lowSurrogate() (rune, bool) {
	if p.pos+6 > len(p.in) || p.in[p.pos] != '\\' || p.in[p.pos+1] != 'u' {
		return 0, false
	}
	return p.hex4(p.pos + 2)
}

func (p *parser) hex4(at int) (r rune, ok bool) {
	if at+4 > len(p.in) {
		return 0, false
	}
	for _, c := range p.in[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return errSyntax
	}
	return nil
}

// array reads an array, calling item at each of its values.
func (p *parser) array(item func() error) error {
	if err := p.expect('['); err != nil {
		return err
	}
	if err := p.enter(); err != nil {
		return err
	}
	p.write('[')
	p.space()
	if p.pos < len(p.in) && p.in[p.pos] == ']' {
		p.pos++
		p.depth--
		p.write(']')
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		p.space()
		if p.pos >= len(p.in) {
			return errSyntax
		}
		c := p.in[p.pos]
		p.pos++
		p.write(c)
		switch c {
		case ',':
		case ']':
			p.depth--
			return nil
		default:
			return errSyntax
		}
	}
}

// object reads an object. When the parser keeps, the members are put in order
// and returned, valid until the next value is read. read, if not nil, is called
// with each key in place of reading the value.
func (p *parser) object(read func(key []byte) error) ([]member, error) {
	if err := p.expect('{'); err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	p.write('{')
	base, open := len(p.members), len(p.out)
	p.space()
	if p.pos < len(p.in) && p.in[p.pos] == '}' {
		p.pos++
		p.depth--
		p.write('}')
		return nil, nil
	}
	for {
		p.space()
		if p.pos >= len(p.in) || p.in[p.pos] != '"' {
			return nil, errSyntax
		}
		m := member{start: len(p.out)}
		keyStart := p.pos + 1
		if _, err := p.text(); err != nil {
			return nil, err
		}
		key := p.in[keyStart : p.pos-1]
		if err := p.expect(':'); err != nil {
			return nil, err
		}
		p.write(':')
		m.value = len(p.out)
		var err error
		if read != nil {
			err = read(key)
		} else {
			m.kind, err = p.value()
		}
		if err != nil {
			return nil, err
		}
		m.end = len(p.out)
		if p.keep {
			p.members = append(p.members, m)
		}
		p.space()
		if p.pos >= len(p.in) {
			return nil, errSyntax
		}
		c := p.in[p.pos]
		p.pos++
		if c == '}' {
			break
		}
		if c != ',' {
			return nil, errSyntax
		}
		p.write(',')
	}
	p.depth--
	if !p.keep {
		return nil, nil
	}
	list := p.members[base:]
	p.members = p.members[:base]
	list = p.order(list, open)
	p.write('}')
	return list, nil
}

// order brings the members written to out since open into alphabetical order,
// the last of equal keys staying.
func (p *parser) order(list []member, open int) []member {
	sorted := true
	for i := 1; i < len(list) && sorted; i++ {
		sorted = bytes.Compare(list[i-1].key(p.out), list[i].key(p.out)) < 0
	}
	if sorted {
		return list
	}
	old := append([]byte(nil), p.out[open:]...)
	slices.SortStableFunc(list, func(a, b member) int { return bytes.Compare(a.key(p.out), b.key(p.out)) })
	p.out = p.out[:open]
	kept := list[:0]
	for i, m := range list {
		name := old[m.start-open+1 : m.value-open-2]
		if i+1 < len(list) && bytes.Equal(name, old[list[i+1].start-open+1:list[i+1].value-open-2]) {
			continue
		}
		if len(p.out) > open {
			p.out = append(p.out, ',')
		}
		moved := member{start: len(p.out), kind: m.kind}
		moved.value = moved.start + m.value - m.start
		moved.end = moved.start + m.end - m.start
		p.out = append(p.out, old[m.start-open:m.end-open]...)
		kept = append(kept, moved)
	}
	return kept
}

const hexDigits = "0123456789abcdef"

// appendText appends s as a JSON string in raw UTF-8. Invalid bytes become
// U+FFFD.
func appendText[T string | []byte](out []byte, s T) []byte {
	out = append(out, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
			if r != utf8.RuneError || n != 1 {
				i += n
				continue
			}
			out = append(out, s[from:i]...)
			out = append(out, "\uFFFD"...)
			i++
			from = i
			continue
		}
		out = append(out, s[from:i]...)
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, '\\', 'b')
		case '\f':
			out = append(out, '\\', 'f')
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	out = append(out, s[from:]...)
	return append(out, '"')
}
