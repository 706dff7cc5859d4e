package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/usersig"
)

// server is the program under measurement.
type server struct {
	url string
	pid int
}

// serve starts the program with one app. stop ends it, and its store.
func serve(parley, engine, dir string, flags ...string) (s server, client *api.Client, stop func(), err error) {
	where, closeStore, err := home(engine, filepath.Join(dir, "data"))
	if err != nil {
		return s, nil, nil, err
	}
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "", "--app", strconv.Itoa(sdkAppID), "--app-key", appKey,
		"--admin", admin, "--group-rate", "0", "--log-level", "error"}, where...)
	c := exec.Command(parley, append(args, flags...)...)
	url, stopServer, err := start(c, "", regexp.MustCompile(`serves on (\S+)`))
	if err != nil {
		closeStore()
		return s, nil, nil, err
	}
	s = server{url, c.Process.Pid}
	return s, s.client(sdkAppID), func() { stopServer(); closeStore() }, nil
}

// client calls as an admin of an app; all apps here have one key.
func (s server) client(app int64) *api.Client {
	return &api.Client{BaseURL: s.url, SDKAppID: app, Identifier: admin, UserSig: func(u string) (string, error) {
		return usersig.Make(app, appKey, u, time.Hour)
	}}
}

// sendPath is the address of a send of an app.
func sendPath(app int64) (string, error) {
	sig, err := usersig.Make(app, appKey, admin, time.Hour)
	return fmt.Sprintf("/v4/%s?sdkappid=%d&identifier=%s&usersig=%s&random=1&contenttype=json", api.CommandSendGroupMsg, app, admin, sig), err
}
