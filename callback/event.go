package callback

import (
	"encoding/json"
	"fmt"
	"time"
)

// Event is one callback that passed all checks.
type Event struct {
	Command     Command
	SdkAppid    int64
	ClientIP    string   // of whoever acted, as the sender wrote it; can be empty
	OptPlatform Platform // as received; see [Platform.Canonical]
	RequestTime int64    // Unix seconds, 0 when unsigned
	Delivery    Delivery
	ReceivedAt  time.Time
	Backfilled  bool // it was fetched by a [Backfill], not sent

	// Body points to the type of this package for Command, for example
	// *SendMsgException. It is nil for a command without such a type.
	Body any
	// BodyErr is set when a field has a type that the protocol does not
	// give it. Body then holds all other fields.
	BodyErr error
	// Raw is the body as received, always a JSON object.
	Raw []byte
}

// Decode reads raw, a JSON object, into the body type for c. The result is nil
// if there is no such type. On an error it holds every field that could be
// read, and the error names the first that could not.
func Decode(c Command, raw []byte) (any, error) {
	body := c.BodyType()
	if body == nil {
		return nil, nil
	}
	err := json.Unmarshal(raw, body)
	if err == nil {
		return body, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return body, fmt.Errorf("decode %s: %w", c, err)
	}
	// Some faults end the decoding in the middle, so read field by field.
	body = c.BodyType()
	for name, value := range fields {
		one, encodeErr := json.Marshal(map[string]json.RawMessage{name: value})
		if encodeErr != nil {
			continue
		}
		_ = json.Unmarshal(one, body) // err already tells of the fault
	}
	return body, fmt.Errorf("decode %s: %w", c, err)
}
