package wire

import (
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string and returns what it stands for, valid until the next
// string is read.
func (p *parser) text() ([]byte, error) {
	p.pos++ // the quote
	start := p.pos
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		if c == '"' {
			p.pos++
			p.take(start - 1)
			return p.in[start : p.pos-1], nil
		}
		if c == '\\' || c < 0x20 {
			break
		}
		p.pos++
	}
	return p.escapedText(start)
}

// escapedText goes on where text met the first escape.
func (p *parser) escapedText(start int) ([]byte, error) {
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
			return s, nil
		case c < 0x20:
			return nil, errSyntax
		case c != '\\':
			s = append(s, c)
			p.pos++
			continue
		}
		if p.pos+1 >= len(p.in) {
			return nil, errSyntax
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
				return nil, errSyntax
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
			return nil, errSyntax
		}
	}
	return nil, errSyntax
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

// unquote reads a canonical JSON string.
func unquote(quoted []byte) string {
	p := parser{in: quoted}
	s, _ := p.text() // what this package wrote itself is valid
	return string(s)
}

// cutText keeps at most limit bytes of whole characters.
func cutText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// cutQuoted keeps as many whole characters as fit into limit bytes of JSON,
// the quotes included.
func cutQuoted(s string, limit int) string {
	var quoted []byte
	used := len(`""`)
	for i, r := range s {
		quoted = appendText(quoted[:0], s[i:i+utf8.RuneLen(r)])
		if used += len(quoted) - len(`""`); used > limit {
			return s[:i]
		}
	}
	return s
}
