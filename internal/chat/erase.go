package chat

import "encoding/json"

// EmptyBody is a MsgBody without elements: what is left of one that was erased.
const EmptyBody = "[]"

// Erase takes the sender's words out of the stored body of a callback. Which
// fields they stand in is the protocol's affair, so stores are given it. Applied
// again it changes nothing. A nil Erase leaves an empty object.
type Erase func(body []byte) []byte

// Of applies the function.
func (e Erase) Of(body []byte) []byte {
	if e == nil {
		return []byte("{}")
	}
	return e(body)
}

// EraseDetail takes out of an event's Detail what repeats the message: the word
// that the filter found in it. Rules and numbers stay.
func EraseDetail(detail []byte) []byte {
	if len(detail) == 0 {
		return detail
	}
	var d, compared map[string]json.RawMessage
	if json.Unmarshal(detail, &d) != nil {
		return nil
	}
	if json.Unmarshal(d["compared"], &compared) != nil || compared["word"] == nil {
		return detail
	}
	delete(compared, "word")
	delete(d, "compared")
	if len(compared) > 0 {
		d["compared"], _ = json.Marshal(compared) // raw JSON that was just read
	}
	if len(d) == 0 {
		return nil
	}
	left, _ := json.Marshal(d) // likewise
	return left
}
