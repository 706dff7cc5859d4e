package chat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
)

// wantRefusal compares all of a refusal. With an empty Info in want, the
// registry's text for the code is expected.
func wantRefusal(t *testing.T, got, want *Refusal) {
	t.Helper()
	if want != nil && want.Info == "" {
		filled := *want
		info, _ := want.Code.Info()
		filled.Info = info.Text
		want = &filled
	}
	if got != nil && got.Info == "" {
		t.Error("a refusal without ErrorInfo")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestErrorInfoIsNeverEmpty(t *testing.T) {
	t.Parallel()
	for _, known := range api.Codes() {
		if r := Fail(known.Code); r.Info == "" {
			t.Errorf("%d has no text", known.Code)
		}
	}
	for code := api.Code(-1); code < 12_000; code++ {
		if Fail(code).Info == "" || Fail(code, "").Info == "" {
			t.Errorf("%d has no text", code)
		}
	}
	if r := Fail(api.CodeMuted, "told otherwise"); r.Info != "told otherwise" || r.Error() != r.Info {
		t.Errorf("%+v", r)
	}
}
