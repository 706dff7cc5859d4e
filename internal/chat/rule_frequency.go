package chat

import "github.com/parley-im/parley/api"

// checkFrequency refuses a send above the app's limit for one group or for one
// sender. Neither priority nor rank exempts from it.
func checkFrequency(scope string, u usage) *Refusal {
	return tooOften(api.CodeSendTooOften, scope, u)
}

// checkAPIRate refuses a call above the app's limit of calls per second.
func checkAPIRate(u usage) *Refusal {
	return tooOften(api.CodeTooManyCalls, "api", u)
}

func tooOften(code api.Code, scope string, u usage) *Refusal {
	if !u.over() {
		return nil
	}
	r := compared(Fail(code), "scope", scope, "count", u.Count, "limit", u.Limit)
	r.RetryAfter = u.Left
	return r
}
