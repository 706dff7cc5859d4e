package manage

import (
	"slices"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// apply brings an endpoint to what a change says; what it leaves out stays. It
// returns the secret of a key that it made. What [chat.Endpoint.Check] looks at
// is left to it.
func (m *Manager) apply(c *api.EndpointChange, e *chat.Endpoint) (newKey string, err error) {
	set(&e.URL, c.URL)
	set(&e.Token, c.Token)
	set(&e.CA, c.CA)
	set(&e.ClientCert, c.ClientCert)
	set(&e.ClientKey, c.ClientKey)
	set(&e.MinTLS, c.MinTLS)
	set(&e.Rate, c.Rate)
	set(&e.Heartbeat, c.Heartbeat)
	if c.Commands != nil {
		e.Commands = slices.Clone(c.Commands)
	}
	if c.ErrorCodes != nil {
		e.Codes = slices.Clone(c.ErrorCodes)
	}
	if c.GroupIds != nil {
		e.Groups = make([]chat.GroupID, len(c.GroupIds))
		for i, id := range c.GroupIds {
			e.Groups[i] = chat.GroupID(id)
		}
	}
	if c.Retry != nil {
		e.Retry = slices.Clone(c.Retry)
	}
	for _, n := range []struct {
		name  string
		field *int
		value *int
	}{
		{"MaxInFlight", &e.MaxInFlight, c.MaxInFlight}, {"GroupHold", &e.GroupHold, c.GroupHold},
		{"Timeout", &e.Timeout, c.Timeout}, {"MaxAge", &e.MaxAge, c.MaxAge},
	} {
		if n.value != nil && *n.value == 0 { // which the heart takes for the default
			return "", invalid("%s must be above 0", n.name)
		}
		set(n.field, n.value)
	}
	switch {
	case c.Order == nil:
	case *c.Order != api.OrderNone && *c.Order != api.OrderGroup:
		return "", invalid("Order must be %s or %s", api.OrderNone, api.OrderGroup)
	default:
		e.InOrder = *c.Order == api.OrderGroup
	}
	switch {
	case c.Objection == nil:
	case *c.Objection != api.ObjectionDead && *c.Objection != api.ObjectionDelivered:
		return "", invalid("Objection must be %s or %s", api.ObjectionDead, api.ObjectionDelivered)
	default:
		e.Lenient = *c.Objection == api.ObjectionDelivered
	}
	if e.URL != "" && c.URL != nil && m.CheckURL != nil {
		if err := e.Check(); err != nil { // first whether it is a URL at all
			return "", chat.Fail(api.CodeInvalidParameter, err.Error())
		}
		if err := m.CheckURL(e.URL); err != nil {
			return "", invalid("URL is not allowed: %v", err)
		}
	}
	return applyKeys(c, e)
}

func applyKeys(c *api.EndpointChange, e *chat.Endpoint) (newKey string, err error) {
	if c.SigningKeys != nil {
		e.Keys = make([]chat.SigningKey, len(*c.SigningKeys))
		for i, text := range *c.SigningKeys {
			if e.Keys[i], err = parseKey(text); err != nil {
				return "", err
			}
		}
	}
	if c.AddKey == nil {
		return "", nil
	}
	key, err := makeKey(*c.AddKey)
	if err != nil {
		return "", err
	}
	keys := slices.Clone(e.Keys)
	same := func(k chat.SigningKey) bool { return k.Kind == key.Kind }
	for count(keys, same) >= 2 { // the oldest stands first
		at := slices.IndexFunc(keys, same)
		keys = slices.Delete(keys, at, at+1)
	}
	e.Keys = append(keys, key)
	return keyText(key), nil
}

func count[T any](list []T, fits func(T) bool) (n int) {
	for _, v := range list {
		if fits(v) {
			n++
		}
	}
	return n
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}
