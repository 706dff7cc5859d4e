package delivery

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// signer signs as Standard Webhooks say (standardwebhooks.com, specification
// 1.0.0): webhook-id, webhook-timestamp and body, joined by dots.
type signer struct {
	secrets [][]byte
	private []ed25519.PrivateKey
}

func newSigner(keys []chat.SigningKey) *signer {
	s := &signer{}
	for _, k := range keys {
		switch k.Kind {
		case chat.KeyHMAC:
			s.secrets = append(s.secrets, k.Secret)
		case chat.KeyEd25519:
			s.private = append(s.private, ed25519.NewKeyFromSeed(k.Secret))
		}
	}
	return s
}

// sign sets the headers of the attempt that leaves now. The time is set with or
// without keys.
func (s *signer) sign(h http.Header, id string, body []byte, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	h["webhook-timestamp"] = []string{at}
	if len(s.secrets)+len(s.private) == 0 {
		return
	}
	content := make([]byte, 0, len(id)+len(at)+len(body)+2)
	content = append(append(append(append(append(content, id...), '.'), at...), '.'), body...)
	var list []string
	for _, secret := range s.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write(content)
		list = append(list, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	for _, key := range s.private {
		list = append(list, "v1a,"+base64.StdEncoding.EncodeToString(ed25519.Sign(key, content)))
	}
	h["webhook-signature"] = []string{strings.Join(list, " ")}
}
