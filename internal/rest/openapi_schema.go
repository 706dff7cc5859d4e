package rest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-im/parley/internal/command"
)

// schema is the part of JSON Schema 2020-12 that the shapes of package api
// need. The zero value allows everything.
type schema struct {
	Ref         string     `json:"$ref,omitempty"`
	Type        string     `json:"type,omitempty"`
	Format      string     `json:"format,omitempty"`
	Description string     `json:"description,omitempty"`
	Deprecated  bool       `json:"deprecated,omitempty"`
	Const       any        `json:"const,omitempty"`
	Minimum     *uint64    `json:"minimum,omitempty"`
	Maximum     *uint64    `json:"maximum,omitempty"`
	MinLength   int        `json:"minLength,omitempty"`
	MaxLength   int        `json:"maxLength,omitempty"`
	Items       *schema    `json:"items,omitempty"`
	Properties  properties `json:"properties,omitempty"`
	Required    []string   `json:"required,omitempty"`
	AllOf       []schema   `json:"allOf,omitempty"`
	AnyOf       []schema   `json:"anyOf,omitempty"`
}

// properties are the fields of an object in the order of its struct.
type properties []property

type property struct {
	name string
	schema
}

// MarshalJSON writes an object.
func (p properties) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, f := range p {
		if i > 0 {
			text = append(text, ',')
		}
		name, err := command.Encode(f.name)
		if err != nil {
			return nil, err
		}
		value, err := command.Encode(f.schema)
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, name...), ':'), value...)
	}
	return append(text, '}'), nil
}

// texts is what the comments of package api say, taken from its source by a
// test, which also keeps it from growing stale.
type texts struct {
	Commands map[string]string            // by service and command
	Methods  map[string]string            // of the client, by name
	Types    map[string]map[string]string // by type and field; the field "" is the type itself
}

//go:embed openapi_texts.json
var textsJSON []byte

func readTexts() (t texts) {
	if err := json.Unmarshal(textsJSON, &t); err != nil {
		panic(fmt.Sprintf("rest: openapi_texts.json: %v", err))
	}
	return t
}

// olderName recognises the comment of a field or type kept for older clients.
var olderName = regexp.MustCompile(`^(?i:the )?(?i:older) (name|form)\b`)

// schemas gathers the shapes that are referred to, by name.
type schemas struct {
	texts texts
	types map[string]reflect.Type
	named map[string]schema
}

const schemaPath = "#/components/schemas/"

// of describes what encoding/json makes of a type. A named struct is described
// once and referred to.
func (s *schemas) of(t reflect.Type) schema {
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return schema{}
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem())
	case t.Name() == "" || t.PkgPath() == "":
		return s.inline(t)
	}
	name := t.Name()
	if known, ok := s.types[name]; !ok {
		s.types[name] = t // first, for a type that contains itself
		d := s.inline(t)
		d.Description = s.texts.Types[name][""]
		d.Deprecated = olderName.MatchString(d.Description)
		s.named[name] = d
	} else if known != t {
		panic(fmt.Sprintf("rest: %v and %v share a name", known, t))
	}
	return schema{Ref: schemaPath + name}
}

func (s *schemas) inline(t reflect.Type) schema {
	switch t.Kind() {
	case reflect.String:
		return schema{Type: "string"}
	case reflect.Bool:
		return schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return schema{Type: "integer", Format: "int64"}
	case reflect.Uint32:
		return schema{Type: "integer", Format: "uint32", Minimum: new(uint64(0)), Maximum: new(uint64(math.MaxUint32))}
	case reflect.Uint64:
		return schema{Type: "integer", Format: "uint64", Minimum: new(uint64(0))}
	case reflect.Slice:
		items := s.of(t.Elem())
		return schema{Type: "array", Items: &items}
	case reflect.Struct:
		return schema{Type: "object", Properties: s.fields(t), Required: alwaysWritten(t)}
	}
	panic(fmt.Sprintf("rest: no schema for %v", t))
}

// fields describes the fields of a struct, those of embedded ones first. A
// field hides one of the same name further in.
func (s *schemas) fields(t reflect.Type) properties {
	var all properties
	for f := range t.Fields() {
		if f.Anonymous {
			for _, inner := range s.fields(f.Type) {
				all = all.with(inner)
			}
		}
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "-" {
			continue
		}
		p := property{f.Name, s.of(f.Type)}
		if name != "" {
			p.name = name
		}
		p.Description = s.texts.Types[t.Name()][f.Name]
		p.Deprecated = olderName.MatchString(p.Description)
		all = all.with(p)
	}
	return all
}

func (p properties) with(f property) properties {
	same := func(other property) bool { return other.name == f.name }
	return append(slices.DeleteFunc(p, same), f)
}

// alwaysWritten names the fields that encoding/json writes even of a zero
// value. Of a shape that can be restricted to some fields (Only), these are the
// ones that stay.
func alwaysWritten(t reflect.Type) []string {
	value := reflect.New(t).Elem()
	if only := value.FieldByName("Only"); only.IsValid() {
		only.Set(reflect.ValueOf([]string{}))
	}
	text, err := json.Marshal(value.Interface())
	if err != nil {
		panic(fmt.Sprintf("rest: %v: %v", t, err))
	}
	var names []string
	d := json.NewDecoder(bytes.NewReader(text))
	for _, err = d.Token(); err == nil && d.More(); {
		name, _ := d.Token()
		names = append(names, name.(string))
		err = d.Decode(&json.RawMessage{})
	}
	slices.Sort(names)
	return names
}
