package callback

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The beginnings of a [WebhookKey] as text. What follows is base64.
const (
	prefixSecret  = "whsec_" // HMAC-SHA256: any bytes
	prefixPrivate = "whsk_"  // ed25519: seed and public key (64 bytes), or the seed alone (32)
	prefixPublic  = "whpk_"  // ed25519: 32 bytes
)

// The versions of a signature.
const (
	versionHMAC    = "v1"
	versionEd25519 = "v1a"
)

// maxSignatures is how many signatures of one request are looked at: a sender
// has one for each of its keys, and anybody can write thousands.
const maxSignatures = 16

// WebhookKey signs or verifies callbacks as Standard Webhooks describes it
// (https://www.standardwebhooks.com): unlike [Sign], the signature covers the
// body. The zero value does neither. Make it with [ParseWebhookKey].
type WebhookKey struct {
	secret  []byte
	private ed25519.PrivateKey
	public  ed25519.PublicKey
}

// ParseWebhookKey reads a key: whsec_… is a secret that both sides have, whsk_…
// the private key of a sender, whpk_… the public key that its receivers verify
// with. The error never contains the key.
func ParseWebhookKey(text string) (WebhookKey, error) {
	prefix, encoded, ok := strings.Cut(text, "_")
	if !ok {
		return WebhookKey{}, errors.New("a key begins with whsec_, whsk_ or whpk_")
	}
	prefix += "_"
	raw, err := decodeBase64(encoded)
	switch {
	case prefix != prefixSecret && prefix != prefixPrivate && prefix != prefixPublic:
		return WebhookKey{}, errors.New("a key begins with whsec_, whsk_ or whpk_")
	case err != nil:
		return WebhookKey{}, fmt.Errorf("what follows %s is not base64", prefix)
	case prefix == prefixSecret && len(raw) > 0:
		return WebhookKey{secret: raw}, nil
	case prefix == prefixSecret:
		return WebhookKey{}, errors.New("the secret is empty")
	case prefix == prefixPublic && len(raw) == ed25519.PublicKeySize:
		return WebhookKey{public: raw}, nil
	case prefix == prefixPrivate && len(raw) == ed25519.SeedSize:
		return privateKey(raw), nil
	case prefix == prefixPrivate && len(raw) == ed25519.PrivateKeySize:
		key := privateKey(raw[:ed25519.SeedSize])
		if !key.public.Equal(ed25519.PublicKey(raw[ed25519.SeedSize:])) {
			return WebhookKey{}, errors.New("the two halves of the private key do not belong together")
		}
		return key, nil
	}
	return WebhookKey{}, fmt.Errorf("what follows %s has %d bytes, which is no key", prefix, len(raw))
}

func privateKey(seed []byte) WebhookKey {
	private := ed25519.NewKeyFromSeed(seed)
	return WebhookKey{private: private, public: private.Public().(ed25519.PublicKey)}
}

// decodeBase64 takes the standard alphabet with or without padding, in its one
// canonical form.
func decodeBase64(text string) ([]byte, error) {
	return base64.RawStdEncoding.Strict().DecodeString(trimPadding(text))
}

// trimPadding leaves a text with wrong padding as it is, so that it is refused.
func trimPadding(text string) string {
	if len(text)%4 != 0 {
		return text
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "="), "=")
}

// Public returns the text of the public key that verifies what k signs, whpk_…;
// "" for a secret.
func (k WebhookKey) Public() string {
	if k.public == nil {
		return ""
	}
	return prefixPublic + base64.StdEncoding.EncodeToString(k.public)
}

// CanSign reports whether k can sign: a public key can only verify.
func (k WebhookKey) CanSign() bool { return k.secret != nil || k.private != nil }

// Asymmetric reports whether k is of ed25519. A receiver should then have the
// public key alone.
func (k WebhookKey) Asymmetric() bool { return k.public != nil }

// SignWebhook returns the value of the header webhook-signature for a body that
// is sent with the given webhook-id and webhook-timestamp (Unix seconds): one
// signature for each key that can sign, in their order. A receiver accepts any
// of them, so a key is replaced by signing with the old and the new one.
func SignWebhook(id string, timestamp int64, body []byte, keys ...WebhookKey) string {
	content := signedContent(id, timestamp, body)
	var signatures []string
	for _, k := range keys {
		switch {
		case k.secret != nil:
			signatures = append(signatures, versionHMAC+","+base64.StdEncoding.EncodeToString(k.mac(content)))
		case k.private != nil:
			signatures = append(signatures, versionEd25519+","+base64.StdEncoding.EncodeToString(ed25519.Sign(k.private, content)))
		}
	}
	return strings.Join(signatures, " ")
}

// VerifyWebhook reports whether one of the signatures in a webhook-signature
// was made with one of keys. It compares in constant time and does not look at
// the clock: see [Fresh]. Signatures of unknown versions are passed over; of
// more than 16 the rest is not looked at.
func VerifyWebhook(signature, id string, timestamp int64, body []byte, keys ...WebhookKey) bool {
	content := signedContent(id, timestamp, body)
	fits := false
	for _, s := range parseSignatures(signature) {
		for _, k := range keys {
			fit := k.verify(s, content)
			fits = fits || fit
		}
	}
	return fits
}

// signature is one of a webhook-signature.
type signature struct {
	version string
	raw     []byte
}

// parseSignatures returns the signatures that can be read.
func parseSignatures(header string) (list []signature) {
	for word := range strings.SplitSeq(header, " ") {
		version, encoded, ok := strings.Cut(word, ",")
		if !ok || version != versionHMAC && version != versionEd25519 {
			continue
		}
		raw, err := decodeBase64(encoded)
		if err != nil {
			continue
		}
		if list = append(list, signature{version, raw}); len(list) == maxSignatures {
			break
		}
	}
	return list
}

func (k WebhookKey) verify(s signature, content []byte) bool {
	switch {
	case s.version == versionHMAC && k.secret != nil:
		return hmac.Equal(s.raw, k.mac(content))
	case s.version == versionEd25519 && k.public != nil:
		return ed25519.Verify(k.public, content, s.raw)
	}
	return false
}

func (k WebhookKey) mac(content []byte) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write(content)
	return mac.Sum(nil)
}

func signedContent(id string, timestamp int64, body []byte) []byte {
	content := make([]byte, 0, len(id)+len(body)+22)
	content = append(append(content, id...), '.')
	content = append(strconv.AppendInt(content, timestamp, 10), '.')
	return append(content, body...)
}
