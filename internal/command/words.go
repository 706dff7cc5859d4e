package command

import (
	"context"

	"github.com/parley-im/parley/api"
)

func (s *Commands) getWords(ctx context.Context, c Call, _ *api.GetDirtyWordsRequest) (a api.GetDirtyWordsResponse, err error) {
	words, err := s.backend.Words(ctx, c.App.ID)
	a.Answer, a.DirtyWordsList = done, append([]string{}, words...)
	return a, err
}

func (s *Commands) addWords(ctx context.Context, c Call, r *api.AddDirtyWordsRequest) (a api.AddDirtyWordsResponse, err error) {
	a.Answer = done
	return a, s.backend.AddWords(ctx, c.App.ID, r.DirtyWordsList)
}

func (s *Commands) deleteWords(ctx context.Context, c Call, r *api.DeleteDirtyWordsRequest) (a api.DeleteDirtyWordsResponse, err error) {
	a.Answer = done
	return a, s.backend.DeleteWords(ctx, c.App.ID, r.DirtyWordsList)
}
