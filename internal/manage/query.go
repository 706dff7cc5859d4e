package manage

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/parley-im/parley/internal/chat"
)

// ParameterOf is the name of a field of a request as a parameter of a URL.
func ParameterOf(f reflect.StructField) string {
	if name := f.Tag.Get("query"); name != "" {
		return name
	}
	return strings.ToLower(f.Name)
}

// ofCallers are parameters that say who calls, for which app, and how.
var ofCallers = map[string]bool{
	"sdkappid": true, "identifier": true, "usersig": true, "random": true, "contenttype": true, "app": true,
}

// readQuery reads parameters into a request. One that is empty is as good as
// absent; one that nobody knows is a fault, because it is a filter misspelt.
func readQuery(query url.Values, into any) error {
	value := reflect.ValueOf(into).Elem()
	known := make(map[string]bool)
	for f := range value.Type().Fields() {
		name := ParameterOf(f)
		known[name] = true
		text := query.Get(name)
		if text == "" {
			continue
		}
		if refusal := setParameter(value.FieldByIndex(f.Index), name, text); refusal != nil {
			return refusal
		}
	}
	for name, values := range query {
		if !known[name] && !ofCallers[name] {
			return invalid("there is no parameter %q here", name)
		}
		if len(values) > 1 {
			return invalid("%s is given more than once", name)
		}
	}
	return nil
}

func setParameter(field reflect.Value, name, text string) *chat.Refusal {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		switch text {
		case "1", "true":
			field.SetBool(true)
		case "0", "false":
			field.SetBool(false)
		default:
			return invalid("%s must be 1 or 0", name)
		}
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return invalid("%s must be an integer", name)
		}
		if n == 0 && name == "limit" {
			return invalid("limit must be at least 1")
		}
		field.SetInt(n)
	case reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, field.Type().Bits())
		if err != nil {
			return invalid("%s must be an integer from 0", name)
		}
		field.SetUint(n)
	}
	return nil
}
