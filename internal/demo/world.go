package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/usersig"
)

// admin is the app's admin, who makes every call.
const admin = "administrator"

// answerTime is how long a call may take.
const answerTime = 5 * time.Second

// world is the app as its backend sees it: everything goes through the REST
// API, over HTTP, with a UserSig.
type world struct {
	client *api.Client
	http   *http.Client
}

func newWorld(baseURL string, app int64, key string) *world {
	transport := &http.Transport{MaxIdleConnsPerHost: burstWorkers + 2}
	w := &world{http: &http.Client{Transport: transport, Timeout: answerTime}}
	w.client = &api.Client{
		BaseURL: baseURL, SDKAppID: app, Identifier: admin, HTTP: w.http,
		UserSig: func(user string) (string, error) { return usersig.Make(app, key, user, time.Hour) },
	}
	return w
}

func (w *world) close() { w.http.CloseIdleConnections() }

// settle makes the accounts and groups, a filter word and the mutes.
func (w *world) settle(ctx context.Context) error {
	var accounts api.MultiaccountImportRequest
	for _, p := range people {
		accounts.AccountList = append(accounts.AccountList, api.AccountImportRequest{UserID: &p.user, Nick: &p.nick})
	}
	imported, err := w.client.MultiaccountImport(ctx, accounts)
	if err != nil {
		return err
	}
	if len(imported.FailAccounts) > 0 {
		return fmt.Errorf("accounts %q could not be made", imported.FailAccounts)
	}
	for _, r := range rooms {
		if err := w.open(ctx, r); err != nil {
			return fmt.Errorf("group %s: %w", r.id, err)
		}
	}
	if err := w.open(ctx, room{oldRoom, api.TypeChatRoom, "Last year's room", "mei", nil}); err != nil {
		return fmt.Errorf("group %s: %w", oldRoom, err)
	}
	forever, on := uint32(api.Forever), api.On
	for _, step := range []func() error{
		func() error {
			_, err := w.client.DestroyGroup(ctx, api.DestroyGroupRequest{GroupId: oldRoom})
			return err
		},
		func() error {
			_, err := w.client.AddDirtyWords(ctx, api.AddDirtyWordsRequest{DirtyWordsList: []string{forbidden}})
			return err
		},
		func() error {
			_, err := w.client.ForbidSendMsg(ctx, api.ForbidSendMsgRequest{GroupId: teaHouse, Members_Account: []string{mutedHere}, MuteTime: &forever})
			return err
		},
		func() error {
			_, err := w.client.ModifyGroupBaseInfo(ctx, api.ModifyGroupBaseInfoRequest{GroupId: announcements, MuteAllMember: &on})
			return err
		},
		func() error {
			user := mutedEverywhere
			_, err := w.client.SetNoSpeaking(ctx, api.SetNoSpeakingRequest{Set_Account: &user, GroupmsgNospeakingTime: &forever})
			return err
		},
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// open makes a group with all people in it. Nobody can be put into an
// AVChatRoom (document 1047/34895); over the REST API everybody can talk there.
func (w *world) open(ctx context.Context, r room) error {
	group := api.CreateGroupRequest{GroupId: r.id, Type: r.kind, Name: r.name, Owner_Account: r.owner}
	for _, p := range people {
		if r.kind != api.TypeAVChatRoom && p.user != r.owner {
			group.MemberList = append(group.MemberList, api.CreateGroupMember{Member_Account: p.user})
		}
	}
	_, err := w.client.CreateGroup(ctx, group)
	return err
}

// send sends a message. The error is what [api.Client] returns.
func (w *world) send(ctx context.Context, m api.SendGroupMsgRequest) error {
	if m.Random == nil {
		random := rand.Uint32()
		m.Random = &random
	}
	_, err := w.client.SendGroupMsg(ctx, m)
	return err
}

// sendRaw calls send_group_msg with any body at all, which the client would
// not write.
func (w *world) sendRaw(ctx context.Context, body string) error {
	sig, err := w.client.UserSig(admin)
	if err != nil {
		return err
	}
	query := url.Values{
		"sdkappid": {fmt.Sprint(w.client.SDKAppID)}, "identifier": {admin}, "usersig": {sig},
		"random": {fmt.Sprint(rand.Uint32())}, "contenttype": {"json"},
	}
	target := w.client.BaseURL + "/v4/" + api.CommandSendGroupMsg + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := w.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return &api.StatusError{Command: api.CommandSendGroupMsg, Status: response.StatusCode}
	}
	var answer api.Answer
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if answer.Failed() {
		return &api.Error{
			Command: api.CommandSendGroupMsg, Code: answer.ErrorCode, Info: answer.ErrorInfo,
			EventID: response.Header.Get(api.HeaderEventID),
		}
	}
	return nil
}
