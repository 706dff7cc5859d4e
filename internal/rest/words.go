package rest

import (
	"context"

	"github.com/parley-im/parley/api"
)

func (h *handler) getWords(ctx context.Context, c call, _ *api.GetDirtyWordsRequest) (a api.GetDirtyWordsResponse, err error) {
	words, err := h.backend.Words(ctx, c.App.ID)
	a.Answer, a.DirtyWordsList = done, append([]string{}, words...)
	return a, err
}

func (h *handler) addWords(ctx context.Context, c call, r *api.AddDirtyWordsRequest) (a api.AddDirtyWordsResponse, err error) {
	a.Answer = done
	return a, h.backend.AddWords(ctx, c.App.ID, r.DirtyWordsList)
}

func (h *handler) deleteWords(ctx context.Context, c call, r *api.DeleteDirtyWordsRequest) (a api.DeleteDirtyWordsResponse, err error) {
	a.Answer = done
	return a, h.backend.DeleteWords(ctx, c.App.ID, r.DirtyWordsList)
}
