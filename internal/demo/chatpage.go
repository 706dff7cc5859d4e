package demo

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
)

// Hello is what the chat page is told of the server that it talks to.
type Hello = hello

// ChatPage is the chat page before a server of somebody else's, with the key of
// the app whose users it may play. It hands out their UserSigs to whoever can
// reach it, which must be this machine alone.
func ChatPage(h Hello, key string, log *slog.Logger) (http.Handler, error) {
	monitor, err := url.Parse(h.Monitor)
	if err != nil {
		return nil, fmt.Errorf("address of the monitor: %w", err)
	}
	if h.Users == nil {
		h.Users = []guest{}
	}
	if h.Groups == nil {
		h.Groups = []lounge{}
	}
	p := &page{key: key, hello: h}
	return p.routes(monitor, log), nil
}
