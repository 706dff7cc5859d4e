package manage

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// How the keys of Standard Webhooks are written down: a prefix and base64.
const (
	hmacPrefix    = "whsec_"
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

const keySize = 32 // bytes of a key that is made here

// parseKey reads a secret: of an HMAC key its bytes, of an ed25519 key its seed
// or the seed with the public key.
func parseKey(text string) (k chat.SigningKey, err error) {
	bad := func(what string) (chat.SigningKey, error) {
		return k, invalid("SigningKeys: %s", what)
	}
	kind, rest := chat.KeyHMAC, ""
	if after, ok := strings.CutPrefix(text, hmacPrefix); ok {
		rest = after
	} else if after, ok := strings.CutPrefix(text, privatePrefix); ok {
		kind, rest = chat.KeyEd25519, after
	} else {
		return bad("a secret begins with " + hmacPrefix + " or " + privatePrefix)
	}
	secret, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return bad("behind " + hmacPrefix + " or " + privatePrefix + " stands base64")
	}
	if kind == chat.KeyEd25519 && len(secret) == ed25519.PrivateKeySize {
		whole := ed25519.NewKeyFromSeed(secret[:ed25519.SeedSize])
		if !whole.Equal(ed25519.PrivateKey(secret)) {
			return bad("the halves of an ed25519 key do not belong together")
		}
		secret = secret[:ed25519.SeedSize]
	}
	return chat.SigningKey{Kind: kind, Secret: secret}, nil
}

// makeKey makes a key of a kind.
func makeKey(kind string) (chat.SigningKey, error) {
	if kind != chat.KeyHMAC && kind != chat.KeyEd25519 {
		return chat.SigningKey{}, invalid("AddKey must be %s or %s", chat.KeyHMAC, chat.KeyEd25519)
	}
	secret := make([]byte, keySize)
	_, _ = rand.Read(secret) // never fails
	return chat.SigningKey{Kind: kind, Secret: secret}, nil
}

// keyText is the secret as its owner is told it.
func keyText(k chat.SigningKey) string {
	if k.Kind == chat.KeyEd25519 {
		return privatePrefix + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(k.Secret))
	}
	return hmacPrefix + base64.StdEncoding.EncodeToString(k.Secret)
}

// showKey shows a key without its secret.
func showKey(k chat.SigningKey) api.SigningKey {
	sum := sha256.Sum256(k.Secret)
	shown := api.SigningKey{Id: hex.EncodeToString(sum[:4]), Kind: k.Kind}
	if k.Kind == chat.KeyEd25519 {
		public, _ := ed25519.NewKeyFromSeed(k.Secret).Public().(ed25519.PublicKey)
		shown.Public = publicPrefix + base64.StdEncoding.EncodeToString(public)
	}
	return shown
}
