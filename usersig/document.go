package usersig

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Limits of what is read, in bytes. Real UserSigs have a few hundred.
const (
	MaxText     = 8 << 10  // the text of a UserSig
	MaxDocument = 64 << 10 // the JSON document inside, after decompression
)

// version is the only one there is: its predecessor used another kind of key.
const version = "2.0"

// document is the content of a UserSig: the claims and their seal.
type document struct {
	Claims
	sig string // base64 of the HMAC, as it stands in the document
}

// textEncoding is standard base64 with + and / replaced. Padding is handled
// apart, because it may be missing.
var textEncoding = base64.NewEncoding(
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-").WithPadding('_')

var rawTextEncoding = textEncoding.WithPadding(base64.NoPadding).Strict()

// encode writes the document as the protocol's own libraries do, with a zlib
// stream that stores instead of compressing: the document is too short to gain
// from it, and a compressor costs more memory than all the rest.
func encode(doc document) (string, error) {
	fields := struct {
		Version    string `json:"TLS.ver"`
		Identifier string `json:"TLS.identifier"`
		SDKAppID   int64  `json:"TLS.sdkappid"`
		Expire     int64  `json:"TLS.expire"`
		Time       int64  `json:"TLS.time"`
		UserBuf    []byte `json:"TLS.userbuf,omitzero"` // nil alone is left out
		Sig        string `json:"TLS.sig"`
	}{version, doc.UserID, doc.SDKAppID, doc.Expire, doc.IssuedAt, doc.UserBuf, doc.sig}
	body, err := json.Marshal(fields)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrClaims, err)
	}
	if len(body) > MaxText {
		return "", fmt.Errorf("%w: document of %d bytes is too long", ErrClaims, len(body))
	}
	return textEncoding.EncodeToString(store(body)), nil
}

// store wraps at most 65535 bytes into a zlib stream (RFC 1950) of one stored
// block (RFC 1951, section 3.2.4).
func store(body []byte) []byte {
	stream := make([]byte, 0, len(body)+11)
	stream = append(stream, 0x78, 0x01) // deflate, 32 KB window, fastest
	stream = append(stream, 1)          // last block, stored
	stream = binary.LittleEndian.AppendUint16(stream, uint16(len(body)))
	stream = binary.LittleEndian.AppendUint16(stream, ^uint16(len(body)))
	stream = append(stream, body...)
	return binary.BigEndian.AppendUint32(stream, adler32.Checksum(body))
}

// decode undoes encode and takes any compression. Its error is ErrEmpty, or an
// ErrMalformed that says what is wrong.
func decode(text string) (document, error) {
	if text == "" {
		return document{}, ErrEmpty
	}
	if len(text) > MaxText {
		return document{}, fmt.Errorf("%w: text of %d bytes exceeds %d", ErrMalformed, len(text), MaxText)
	}
	stream, err := unwrap(text)
	if err != nil {
		return document{}, fmt.Errorf("%w: base64: %w", ErrMalformed, err)
	}
	body, err := inflate(stream)
	if err != nil {
		return document{}, fmt.Errorf("%w: zlib: %w", ErrMalformed, err)
	}
	doc, err := parse(body)
	if err != nil {
		return document{}, fmt.Errorf("%w: document: %w", ErrMalformed, err)
	}
	return doc, nil
}

// unwrap decodes the base64 text. The padding may be missing or be written as
// the equals sign it replaces: all that verifiers in use take as well.
func unwrap(text string) ([]byte, error) {
	// The decoder would skip line ends in silence.
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("line end in the text")
	}
	bare := strings.TrimRight(text, "_=")
	if len(text)-len(bare) > 2 {
		return nil, errors.New("too much padding")
	}
	return rawTextEncoding.DecodeString(bare)
}

// inflaters holds zlib readers, each of which costs 40 KB to make.
var inflaters sync.Pool

// inflater returns a zlib reader of source. With an error it may return one
// too, good for nothing but being kept.
func inflater(source io.Reader) (io.ReadCloser, error) {
	if reader, ok := inflaters.Get().(io.ReadCloser); ok {
		return reader, reader.(zlib.Resetter).Reset(source, nil)
	}
	return zlib.NewReader(source)
}

// inflate decompresses the one zlib stream that has to fill all of stream, up
// to MaxDocument.
func inflate(stream []byte) ([]byte, error) {
	source := bytes.NewReader(stream)
	reader, err := inflater(source)
	if reader != nil {
		defer inflaters.Put(reader)
	}
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(reader, MaxDocument+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > MaxDocument:
		return nil, fmt.Errorf("document exceeds %d bytes", MaxDocument)
	case source.Len() > 0:
		return nil, fmt.Errorf("%d bytes after the stream", source.Len())
	}
	return body, nil
}

// parse reads the JSON document. Unknown fields are ignored; every known one
// but the user buffer has to be there. It walks the tokens itself, because
// json.Unmarshal would take a field twice and in any case of letters.
func parse(body []byte) (document, error) {
	if !utf8.Valid(body) {
		return document{}, errors.New("not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return document{}, errors.New("not a JSON object")
	}
	fields := make(map[string]any)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return document{}, err
		}
		name := token.(string) // the decoder accepts nothing else as a name
		if _, double := fields[name]; double {
			return document{}, fmt.Errorf("field %.40q twice", name)
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return document{}, err
		}
		fields[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return document{}, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return document{}, errors.New("text after the object")
	}
	return fill(fields)
}

// fill makes the document of its fields and checks their types and ranges.
func fill(fields map[string]any) (document, error) {
	var doc document
	var err error
	text := func(name string) string {
		value, ok := fields[name].(string)
		if !ok && err == nil {
			err = fmt.Errorf("%s is missing or not a string", name)
		}
		return value
	}
	number := func(name string) int64 {
		value, _ := fields[name].(json.Number)
		n, fault := strconv.ParseInt(value.String(), 10, 64)
		if fault != nil && err == nil {
			err = fmt.Errorf("%s is missing or not an integer of 64 bits", name)
		}
		return n
	}
	if text("TLS.ver") != version && err == nil {
		err = errors.New("TLS.ver is not " + version)
	}
	doc.UserID = text("TLS.identifier")
	doc.SDKAppID = number("TLS.sdkappid")
	doc.IssuedAt = number("TLS.time")
	doc.Expire = number("TLS.expire")
	doc.sig = text("TLS.sig")
	if _, ok := fields["TLS.userbuf"]; ok {
		buf, fault := base64.StdEncoding.Strict().DecodeString(text("TLS.userbuf"))
		if fault != nil && err == nil {
			err = errors.New("TLS.userbuf is not base64")
		}
		doc.UserBuf = buf
	}
	if err != nil {
		return document{}, err
	}
	if fault := doc.fault(); fault != "" {
		return document{}, errors.New(fault)
	}
	return doc, nil
}

// validUserID keeps control characters out: a line end in a UserID would let
// the signed text of one UserSig read like that of another.
func validUserID(id string) bool {
	return id != "" && utf8.ValidString(id) && !strings.ContainsFunc(id, func(r rune) bool {
		return r < ' ' || r == 0x7f
	})
}
