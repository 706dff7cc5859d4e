package api

// The words of AccountStatus.
const (
	AccountImported    = "Imported"
	AccountNotImported = "NotImported"
)

// AccountImportRequest makes an account, or changes its profile if it exists
// (document 1047/34953).
type AccountImportRequest struct {
	UserID     *string `json:",omitempty"` // at most 32 bytes
	Identifier *string `json:",omitempty"` // older name of UserID
	Nick       *string `json:",omitempty"` // absent: unchanged
	FaceUrl    *string `json:",omitempty"` // absent: unchanged
}

// Account returns the UserID under either of its names, and whether it was
// given.
func (r AccountImportRequest) Account() (string, bool) { return firstOf(r.UserID, r.Identifier) }

// AccountImportResponse has nothing of its own.
type AccountImportResponse struct{ Answer }

// MultiaccountImportRequest makes up to 100 accounts (document 1047/34954), in
// one of two forms.
type MultiaccountImportRequest struct {
	Accounts    []string               `json:",omitempty"` // older form, UserIDs alone
	AccountList []AccountImportRequest `json:",omitempty"`
}

// All returns the accounts of both forms, those of the older one first.
func (r MultiaccountImportRequest) All() []AccountImportRequest {
	all := make([]AccountImportRequest, 0, len(r.Accounts)+len(r.AccountList))
	for i := range r.Accounts {
		all = append(all, AccountImportRequest{UserID: &r.Accounts[i]})
	}
	return append(all, r.AccountList...)
}

// MultiaccountImportResponse names the accounts that could not be made. The
// call succeeds all the same.
type MultiaccountImportResponse struct {
	Answer
	FailAccounts []string
}

// AccountItem names an account in a list.
type AccountItem struct{ UserID string }

// AccountDeleteRequest deletes up to 100 accounts (document 1047/34955).
type AccountDeleteRequest struct{ DeleteItem []AccountItem }

// AccountDeleteResponse has one result for each account, in the order of the
// request.
type AccountDeleteResponse struct {
	Answer
	ResultItem []AccountResult
}

// AccountResult is the outcome for one account of a list.
type AccountResult struct {
	UserID     string
	ResultCode Code // CodeAccountMissing for an account that was never imported
	ResultInfo string
}

// AccountCheckRequest asks which of up to 100 accounts exist (document
// 1047/34956).
type AccountCheckRequest struct{ CheckItem []AccountItem }

// AccountCheckResponse has one result for each account, in the order of the
// request.
type AccountCheckResponse struct {
	Answer
	ResultItem []AccountCheckResult
}

// KickRequest ends the connections of an account (document 1047/34957). The
// account may connect again at once, as long as its UserSig holds.
type KickRequest struct {
	UserID     *string `json:",omitempty"`
	Identifier *string `json:",omitempty"` // older name of UserID
}

// Account returns the UserID under either of its names, and whether it was
// given.
func (r KickRequest) Account() (string, bool) { return firstOf(r.UserID, r.Identifier) }

// KickResponse has nothing of its own.
type KickResponse struct{ Answer }

// AccountCheckResult tells whether one account exists. An account that does
// not is no failure.
type AccountCheckResult struct {
	AccountResult
	AccountStatus string // AccountImported or AccountNotImported
}
