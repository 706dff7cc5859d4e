package manage_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/manage"
)

// What is read as an EventId is written again as it was, but for capitals.
func FuzzEventID(f *testing.F) {
	for _, text := range []string{"01a21439-ea29-7fb1-bafd-32d7d8c56ada", "01A21439-EA29-7FB1-BAFD-32D7D8C56ADA", "", "1", "01a21439-ea29-7fb1-bafd-32d7d8c56adx"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := manage.ParseEventID(text)
		if !ok {
			return
		}
		if again, ok := manage.ParseEventID(id.String()); !ok || again != id || len(text) != 36 {
			t.Errorf("%q is read as %s", text, id)
		}
	})
}

// What is read as a signing key can be told and read again; what is not is
// refused without telling it.
func FuzzSigningKey(f *testing.F) {
	for _, text := range []string{
		"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "whsk_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "whsec_", "whsk_YQ==", "whpk_YQ==", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := manage.ParseKey(text)
		if err != nil {
			var r *chat.Refusal
			if !errors.As(err, &r) || r.Code != api.CodeInvalidParameter {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if key.Kind == chat.KeyEd25519 && len(key.Secret) != 32 {
			return // the heart refuses it
		}
		again, err := manage.ParseKey(manage.KeyText(key))
		if err != nil || !cmp.Equal(key, again) {
			t.Errorf("%q: %v, %v", text, again, err)
		}
	})
}

// What is read as a request for events says nothing that was not asked for.
func FuzzEventsQuery(f *testing.F) {
	for _, text := range []string{"", "after=5&limit=10&wait=3", "newest=1&nobody=1&code=10017&state=dead&endpoint=e", "limit=0", "after=-1", "afer=1", "after=1&after=2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		query, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		r, err := manage.ReadEventsQuery(query)
		if err != nil {
			var refusal *chat.Refusal
			if !errors.As(err, &refusal) || refusal.Code != api.CodeInvalidParameter || refusal.Info == "" {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if r.Endpoint != query.Get("endpoint") || r.Newest && query.Get("newest") == "" || r.After != 0 && query.Get("after") == "" {
			t.Errorf("%q is read as %+v", text, r)
		}
	})
}
