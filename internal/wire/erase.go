package wire

import (
	"bytes"

	"github.com/parley-im/parley/internal/chat"
)

// Erase is a [chat.Erase]: of a callback's body MsgBody becomes empty and
// CloudCustomData goes, as if none had been sent; every other field stays as it
// is, byte for byte. Of what is no JSON object an empty one is left.
func Erase(body []byte) []byte {
	// A body is no deeper than the request it came from; the slack is for safety,
	// because what cannot be read is lost as a whole.
	p := parser{in: body, depth: -1}
	o := newObject(len(body))
	_, err := p.object(func(name []byte) error {
		_, err := p.peek()
		start := p.pos
		if err == nil {
			_, err = p.value()
		}
		if err != nil {
			return err
		}
		switch string(name) {
		case "CloudCustomData":
		case "MsgBody":
			o.raw("MsgBody", []byte(chat.EmptyBody))
		default:
			if len(o.out) > 1 {
				o.out = append(o.out, ',')
			}
			o.out = append(append(appendText(o.out, name), ':'), body[start:p.pos]...)
		}
		return nil
	})
	if err != nil || len(bytes.TrimSpace(body[p.pos:])) > 0 {
		return []byte("{}")
	}
	return o.end()
}
