package chat

import (
	"context"

	"github.com/parley-im/parley/api"
)

// Asker puts the before-send question to the app backend. It never fails: when
// no answer came, the verdict says so.
type Asker interface {
	Ask(ctx context.Context, q *Question) Verdict
}

// Question is what the app backend is asked before a message is delivered.
type Question struct {
	App      *App
	Endpoint *Endpoint
	Send     *Send
	Group    *Group
}

// Answer is what the app backend said to a question.
type Answer uint8

// The answers (document 1047/34374).
const (
	AnswerNone   Answer = iota // it did not answer, or not in a way that can be understood
	AnswerAllow                // 0
	AnswerRefuse               // 1, or a code of the app's own
	AnswerDrop                 // 2: the sender is told it was sent
)

// Verdict is the outcome of a question.
type Verdict struct {
	Answer Answer
	Code   api.Code // of a refusal: 10016, or 10100 to 10200
	Info   string   // the app's words for its own code
	// Content replaces the message's when the answer allowed it; nil keeps it.
	Content *Content
	// Fault says the answer's content cannot be used.
	Fault *Refusal
	// Reason tells why there is no answer, in a few words.
	Reason string
}

// checkBeforeSend turns the app's verdict into a refusal. Without an answer the
// app's policy decides: deliver, or refuse with 80003.
func checkBeforeSend(v Verdict, settings *Settings) *Refusal {
	switch v.Answer {
	case AnswerRefuse:
		return compared(Fail(v.Code, v.Info), "answer", int(v.Code))
	case AnswerNone:
		if settings.BeforeSendFailure == Refuse {
			return compared(Fail(api.CodeBeforeSendFailed), "unanswered", v.Reason)
		}
	case AnswerAllow:
		return v.Fault
	}
	return nil
}

// words describe the verdict for people.
func (v Verdict) words() map[string]any {
	w := map[string]any{"answer": [...]string{"none", "allow", "refuse", "drop"}[v.Answer]}
	if v.Answer == AnswerNone {
		w["reason"] = v.Reason
	}
	if v.Answer == AnswerRefuse {
		w["code"] = int(v.Code)
	}
	if v.Content != nil {
		w["rewritten"] = true
	}
	return w
}
