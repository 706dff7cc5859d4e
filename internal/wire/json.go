package wire

import (
	"bytes"
	"errors"
	"slices"
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

// member is one field of an object in out: name and value as canonical text.
type member struct {
	name       []byte // what the name stands for, without escapes
	start      int    // of the name's quote
	value, end int    // of the value
	size       int    // bytes of its string values
	kind       byte
}

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
		var s []byte
		s, err = p.text()
		p.size += len(s)
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

func (p *parser) write(c byte) {
	if p.keep {
		p.out = append(p.out, c)
	}
}

// take keeps what was read since start as it is.
func (p *parser) take(start int) {
	if p.keep {
		p.out = append(p.out, p.in[start:p.pos]...)
	}
}

func (p *parser) word(w string) error {
	start := p.pos
	if len(p.in)-start < len(w) || string(p.in[start:start+len(w)]) != w {
		return errSyntax
	}
	p.pos += len(w)
	p.take(start)
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
	p.take(start)
	return nil
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

// name reads the name of a member. It stays valid.
func (p *parser) name() ([]byte, error) {
	start := p.pos
	s, err := p.text()
	if len(s)+2 < p.pos-start { // it had escapes, so it lies in the scratch
		s = bytes.Clone(s)
	}
	return s, err
}

// object reads an object. When the parser keeps, the members are put in order
// and returned, valid until the next value is read. read, if not nil, is called
// with each name, as what it stands for, in place of reading the value.
func (p *parser) object(read func(name []byte) error) ([]member, error) {
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
		var err error
		if m.name, err = p.name(); err != nil {
			return nil, err
		}
		if err := p.expect(':'); err != nil {
			return nil, err
		}
		p.write(':')
		m.value = len(p.out)
		before := p.size
		if read != nil {
			err = read(m.name)
		} else {
			m.kind, err = p.value()
		}
		if err != nil {
			return nil, err
		}
		m.end, m.size = len(p.out), p.size-before
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
// the last of equal names staying.
func (p *parser) order(list []member, open int) []member {
	byName := func(a, b member) int { return bytes.Compare(a.name, b.name) }
	sorted := true
	for i := 1; i < len(list) && sorted; i++ {
		sorted = byName(list[i-1], list[i]) < 0
	}
	if sorted {
		return list
	}
	old := bytes.Clone(p.out[open:])
	slices.SortStableFunc(list, byName)
	p.out = p.out[:open]
	kept := list[:0]
	for i, m := range list {
		if i+1 < len(list) && bytes.Equal(m.name, list[i+1].name) {
			p.size -= m.size
			continue
		}
		if len(p.out) > open {
			p.out = append(p.out, ',')
		}
		from, to := m.start-open, m.end-open
		move := len(p.out) - m.start
		m.start, m.value, m.end = m.start+move, m.value+move, m.end+move
		p.out = append(p.out, old[from:to]...)
		kept = append(kept, m)
	}
	return kept
}
