package api

// GetDirtyWordsRequest asks for the filter words of the app.
type GetDirtyWordsRequest struct{}

// GetDirtyWordsResponse lists the filter words of the app.
type GetDirtyWordsResponse struct {
	Answer
	DirtyWordsList []string
}

// AddDirtyWordsRequest adds filter words, or leaves those that are there.
type AddDirtyWordsRequest struct{ DirtyWordsList []string }

// AddDirtyWordsResponse has nothing of its own.
type AddDirtyWordsResponse struct{ Answer }

// DeleteDirtyWordsRequest removes filter words. A word that is not there is
// removed as well.
type DeleteDirtyWordsRequest struct{ DirtyWordsList []string }

// DeleteDirtyWordsResponse has nothing of its own.
type DeleteDirtyWordsResponse struct{ Answer }
