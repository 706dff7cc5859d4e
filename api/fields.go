package api

import (
	"encoding/json"
	"slices"
)

// KeyValue is one field of an app's own on a group or a member. An empty value
// deletes the field.
type KeyValue struct {
	Key   string
	Value string
}

// onlyFields writes value, a struct, as JSON. With a filter, only the fields in
// always and in filter are kept. A filter that names one of two names of a
// field asks for both.
func onlyFields(value any, filter []string, always ...string) ([]byte, error) {
	whole, err := json.Marshal(value)
	if err != nil || filter == nil {
		return whole, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(whole, &fields); err != nil {
		return nil, err
	}
	for name := range fields {
		asked := slices.Contains(always, name) || slices.Contains(filter, name)
		if !asked && !slices.Contains(filter, twinNames[name]) {
			delete(fields, name)
		}
	}
	return json.Marshal(fields)
}

// twinNames holds the profile fields that were renamed, in both directions.
var twinNames = map[string]string{
	"MuteAllMember":   "ShutUpAllMember",
	"ShutUpAllMember": "MuteAllMember",
	"MuteUntil":       "ShutUpUntil",
	"ShutUpUntil":     "MuteUntil",
}
