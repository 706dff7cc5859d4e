package delivery

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// Sampled is what came back from an endpoint that was sent a sample.
type Sampled struct {
	ID        string // of the sample, which is in no journal
	URL       string // as called, without what proves who calls
	Delivered bool
	Next      string // what would follow: "delivered", "retry", "paused" or "dead"
	At        time.Time
	Took      time.Duration
	Status    int
	Reason    string
	Answer    []byte // its first bytes
}

// Sample sends a marked sample of a callback to an endpoint, as an attempt
// would be made. It is in no journal, counts for nothing, and is sent whether
// the endpoint is paused or not.
func Sample(ctx context.Context, e *chat.Endpoint, app *chat.App, n Network, body []byte, command string) (Sampled, error) {
	to, err := newTarget(e.URL, e.Token)
	if err != nil {
		return Sampled{}, err
	}
	c, err := newClient(e, 1, n, e.AttemptTime())
	if err != nil {
		return Sampled{}, err
	}
	defer c.close()
	signer, err := newSigner(e.Keys)
	if err != nil {
		return Sampled{}, err
	}
	now := time.Now()
	id := chat.NewAttemptID(now).String()
	h := http.Header{
		"Content-Type": contentType, "User-Agent": userAgent, "webhook-id": {id}, "Parley-Test": {"1"}, "Parley-Attempt": {"1"},
		"Parley-Epoch": {app.Epoch},
	}
	signer.sign(h, id, body, now)
	to.authorize(h)
	u := to.url(app.ID, command, "127.0.0.1", "RESTAPI", now)
	status, header, answer, err := c.post(ctx, u, body, h)
	j := judge(status, header, answer, err, now)
	if j.fate == objected && e.Lenient {
		j.fate = delivered
	}
	shown := *u
	shown.User, shown.RawQuery = nil, ""
	return Sampled{
		ID: id, URL: shown.String(), Delivered: j.fate == delivered, Next: j.fate.next(), At: now, Took: time.Since(now), Status: status,
		Reason: j.reason, Answer: answer[:min(len(answer), maxKept)],
	}, nil
}

// next says in a word what follows an attempt with this fate.
func (f fate) next() string {
	switch f {
	case delivered:
		return "delivered"
	case dead:
		return "dead"
	case gone:
		return "paused"
	}
	return "retry"
}
