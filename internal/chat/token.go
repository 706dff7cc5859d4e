package chat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/parley-im/parley/api"
)

// Token lets somebody read what belongs to an app. The secret itself is not
// kept.
type Token struct {
	ID        string
	App       AppID
	Name      string // for people
	CreatedAt int64  // unix seconds
	Hash      []byte // of the secret
}

// tokenPrefix begins every secret, so that people and scanners know one.
const tokenPrefix = "prt_"

const (
	maxTokens    = 100
	maxTokenName = 100
)

// HashToken is what is kept of a token's secret. Secrets are random and long, so
// a plain hash tells nothing of them.
func HashToken(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// CreateToken makes a read-only token of an app and tells its secret, once.
// Codes: 70020 for an app that is not there, 10004 for a bad name and too many.
func (b *Backend) CreateToken(ctx context.Context, app AppID, name string) (t Token, secret string, err error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > maxTokenName || !utf8.ValidString(name) {
		return t, "", Fail(api.CodeInvalidParameter, "Name must be 1 to 100 bytes of text")
	}
	secret = tokenPrefix + rand.Text() + rand.Text()
	t = Token{App: app, Name: name, CreatedAt: b.Now().Unix(), Hash: HashToken(secret)}
	t.ID = hex.EncodeToString(t.Hash[:6])
	err = b.Change(ctx, app, func(r Records) error {
		if _, err := appNext(r); err != nil {
			return err
		}
		n, err := r.CountTokens()
		if err != nil {
			return err
		}
		if n >= maxTokens {
			return Fail(api.CodeInvalidParameter, "the app has as many tokens as it may have")
		}
		return r.AddToken(t)
	})
	return t, secret, err
}

// DeleteToken revokes a token; it is refused from then on. Codes: 70020 for an
// app that is not there, 10004 for a token that is not.
func (b *Backend) DeleteToken(ctx context.Context, app AppID, id string) error {
	return b.Change(ctx, app, func(r Records) error {
		if _, err := appNext(r); err != nil {
			return err
		}
		ok, err := r.DeleteToken(id)
		if err == nil && !ok {
			return Fail(api.CodeInvalidParameter, "the app has no token with this Id")
		}
		return err
	})
}
