package wire

import (
	"fmt"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// elements are the message elements and the kinds of their fields: '"' text,
// 0 number, '[' list, '{' object (Tencent Cloud Chat, document 1047/33527).
// A field that is not listed is kept as it is.
var elements = map[string]map[string]byte{
	"TIMTextElem":      {"Text": '"'},
	"TIMLocationElem":  {"Desc": '"', "Latitude": 0, "Longitude": 0},
	"TIMFaceElem":      {"Index": 0, "Data": '"'},
	"TIMCustomElem":    {"Data": '"', "Desc": '"', "Ext": '"', "Sound": '"'},
	"TIMSoundElem":     {"Url": '"', "UUID": '"', "Size": 0, "Second": 0, "Download_Flag": 0},
	"TIMImageElem":     {"UUID": '"', "ImageFormat": 0, "ImageInfoArray": '['},
	"TIMFileElem":      {"Url": '"', "UUID": '"', "FileSize": 0, "FileName": '"', "Download_Flag": 0},
	"TIMVideoFileElem": {"VideoUrl": '"', "VideoUUID": '"', "VideoSize": 0, "VideoSecond": 0, "VideoFormat": '"', "VideoDownloadFlag": 0, "ThumbUrl": '"', "ThumbUUID": '"', "ThumbSize": 0, "ThumbWidth": 0, "ThumbHeight": 0, "ThumbFormat": '"', "ThumbDownloadFlag": 0},
	"TIMRelayElem":     {"Title": '"', "MsgNum": 0, "CompatibleText": '"', "AbstractList": '[', "MsgList": '['},
}

// body reads a MsgBody at the parser's place. A fault of its meaning is noted
// and reading goes on, so that the exception can show what was sent, unless it
// is nothing that a receiver could read; err is a fault of the JSON.
func (p *parser) body(c *chat.Content) (fault *chat.Refusal, err error) {
	kind, err := p.peek()
	if err != nil {
		return nil, err
	}
	if kind != '[' {
		_, err = p.value()
		return invalid("MsgBody must be an array"), err
	}
	note := func(r *chat.Refusal) {
		if fault == nil {
			fault = r
		}
	}
	p.keep, p.out, p.size = true, make([]byte, 0, 2*len(`[{"MsgContent":{},"MsgType":""}]`)+min(len(p.in)-p.pos, 4096)), 0
	count, custom := 0, 0
	e := element{p: p, content: c}
	member := e.member
	err = p.array(func() error {
		e.kind, e.fault, e.fields, e.seen = "", nil, e.fields[:0], false // unreadable stays
		err := e.read(member)
		if e.kind == "TIMCustomElem" {
			custom++
		}
		count++
		if r := e.fault; r != nil {
			note(r)
		}
		return err
	})
	p.keep = false
	if err != nil {
		return nil, err
	}
	if !e.unreadable {
		c.Body, c.Size = p.out, c.Size+p.size
	}
	p.out = nil
	switch {
	case count == 0:
		note(invalid("MsgBody is empty"))
	case custom > 1:
		note(invalid("MsgBody has more than one TIMCustomElem"))
	}
	return fault, nil
}

func invalid(format string, args ...any) *chat.Refusal {
	return chat.Fail(api.CodeInvalidParameter, fmt.Sprintf(format, args...))
}

// element is the item of a MsgBody that is being read.
type element struct {
	p       *parser
	content *chat.Content
	kind    string
	fault   *chat.Refusal
	fields  []field // of MsgContent
	seen    bool    // MsgContent was there
	// unreadable: an element was no object or its MsgType no text, which no
	// receiver can take for a MsgBody.
	unreadable bool
}

type field struct {
	name []byte
	kind byte
	text string // of a text field named Text
}

func (e *element) read(member func(name []byte) error) error {
	p := e.p
	kind, err := p.peek()
	if err != nil {
		return err
	}
	before := p.size
	if kind != '{' {
		e.unreadable = true
		e.note(invalid("MsgBody must be an array of objects"))
		_, err = p.value()
		p.size = before
		return err
	}
	_, err = p.object(member)
	if err != nil || e.fault != nil {
		return err
	}
	e.fault = e.judge()
	return nil
}

// member reads one member of the element; only MsgContent counts for the size.
func (e *element) member(name []byte) error {
	p, before := e.p, e.p.size
	kind, err := p.peek()
	if err != nil {
		return err
	}
	switch key := string(name); {
	case key == "MsgContent" && kind == '{':
		e.fields, e.seen = e.fields[:0], true
		list, err := p.object(nil)
		for _, m := range list {
			f := field{name: m.name, kind: m.kind}
			if string(m.name) == "Text" && m.kind == '"' {
				f.text = unquote(p.out[m.value:m.end])
			}
			e.fields = append(e.fields, f)
		}
		return err
	case key == "MsgContent":
		e.seen = true
		e.note(invalid("MsgContent must be an object"))
	case key == "MsgType" && kind == '"':
		word, err := p.text()
		e.kind = string(word)
		return err
	case key == "MsgType":
		e.unreadable = true
		e.note(invalid("MsgType must be a string"))
	}
	_, err = p.value()
	p.size = before
	return err
}

// note keeps the first fault of the element.
func (e *element) note(r *chat.Refusal) {
	if e.fault == nil {
		e.fault = r
	}
}

func (e *element) judge() *chat.Refusal {
	if e.kind == "" {
		return invalid("MsgType is required")
	}
	if !e.seen {
		return invalid("MsgContent is required")
	}
	known, ok := elements[e.kind]
	if !ok {
		return invalid("MsgType is unknown")
	}
	hasText := false
	for _, f := range e.fields {
		if want, ok := known[string(f.name)]; ok && want != f.kind {
			return invalid("%s of %s has the wrong type", f.name, e.kind)
		}
		if e.kind == "TIMTextElem" && string(f.name) == "Text" {
			hasText = true
			e.content.Texts = append(e.content.Texts, f.text)
		}
	}
	if e.kind == "TIMTextElem" && !hasText {
		return invalid("Text of TIMTextElem is required")
	}
	return nil
}
