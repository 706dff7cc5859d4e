package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
)

// ErrNobody: there is no server that listens in the folder.
var ErrNobody = errors.New("nobody listens there")

// Fetch has the server of the data folder dir make a backup and writes it to w.
func Fetch(ctx context.Context, dir string, w io.Writer, progress func(done, total int64)) error {
	var noServer error
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := dial(ctx, dir)
		noServer = err
		return c, err
	}}
	defer transport.CloseIdleConnections()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		var done, total int64
		if _, err := fmt.Sscanf(h.Get(progressHeader), "%d/%d", &done, &total); err == nil {
			progress(done, total)
		}
		return nil
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/backup", nil)
	if err != nil {
		return err
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		if noServer != nil && ctx.Err() == nil {
			return fmt.Errorf("%w: %w", ErrNobody, noServer)
		}
		return fmt.Errorf("ask the server of %s for a backup: %w", dir, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		return fmt.Errorf("the server of %s makes no backup: %s", dir, strings.TrimSpace(string(text)))
	}
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("receive the backup: %w", err)
	}
	return nil
}
