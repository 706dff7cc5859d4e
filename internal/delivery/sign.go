package delivery

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/chat"
)

// signer signs attempts with an endpoint's keys; see [callback.SignWebhook].
type signer struct {
	keys []callback.WebhookKey
}

var errSigningKey = errors.New("a signing key of the endpoint cannot be used")

// newSigner reads an endpoint's keys. The error names none of them.
func newSigner(keys []chat.SigningKey) (*signer, error) {
	s := &signer{}
	for _, k := range keys {
		prefix := "whsec_"
		if k.Kind == chat.KeyEd25519 {
			prefix = "whsk_"
		}
		key, err := callback.ParseWebhookKey(prefix + base64.StdEncoding.EncodeToString(k.Secret))
		if err != nil {
			return nil, errSigningKey
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

// sign sets the headers of the attempt that leaves now. The time is set with or
// without keys.
func (s *signer) sign(h http.Header, id string, body []byte, now time.Time) {
	h["webhook-timestamp"] = []string{strconv.FormatInt(now.Unix(), 10)}
	if len(s.keys) > 0 {
		h["webhook-signature"] = []string{callback.SignWebhook(id, now.Unix(), body, s.keys...)}
	}
}
