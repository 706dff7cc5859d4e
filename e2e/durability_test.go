package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/api"
)

// saidSend is a send with the words to find it by on the disk.
type saidSend struct {
	marker string
	seq    uint64 // of an accepted one
	event  string // of a refused one
}

// sayMany sends many messages from 32 connections at once, half of them refused.
func sayMany(t *testing.T, s *server, each int) (list []saidSend) {
	t.Helper()
	c := s.client()
	lobby(t, c)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for k := range each {
				m := saidSend{marker: fmt.Sprintf("marker-%d-%d-", i, k)}
				from := []string{appAdmin, "gagged"}[k%2]
				a, err := c.SendGroupMsg(t.Context(), say("lobby", from, uint32(i*1000+k), m.marker))
				if m.seq, m.event = a.MsgSeq, eventOf(err); (m.seq == 0) == (m.event == "") {
					t.Errorf("%+v, %v", a, err)
					return
				}
				mu.Lock()
				list = append(list, m)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return list
}

var (
	answeredSeq   = regexp.MustCompile(`MsgSeq\\":(\d+)`)
	answeredEvent = regexp.MustCompile(`Parley-Event-Id: (\S+?)\\r\\n`)
)

func TestEachAnswerComesAfterTheSyncOfItsBatch(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := serve(t, nil, oneApp(folder(data), nil, "--group-rate", "0")...)
	x := attach(t, s.cmd.Process.Pid, "-s", "16384", "-e", "trace=pwrite64,pwritev,write,writev,sendto,sendmsg,fsync,fdatasync")
	sends := sayMany(t, s, 8)
	x.detach(t)

	log := filepath.Join(data, "parley.db-wal")
	var writes, syncs []syscallRecord
	answers := make(map[string]syscallRecord) // by MsgSeq or event
	for _, c := range x.calls(t) {
		switch {
		case c.path == log && strings.Contains(c.name, "sync"):
			syncs = append(syncs, c)
		case c.path == log:
			writes = append(writes, c)
		case strings.HasPrefix(c.path, "socket:") || strings.HasPrefix(c.path, "TCP:"):
			for _, re := range []*regexp.Regexp{answeredSeq, answeredEvent} {
				if m := re.FindStringSubmatch(c.data); m != nil && strings.Contains(c.data, "HTTP/1.1 200") {
					answers[m[1]] = c
				}
			}
		}
	}
	batches := make(map[int]bool)
	for _, m := range sends {
		key := m.event
		if m.seq != 0 {
			key = strconv.FormatUint(m.seq, 10)
		}
		answer, ok := answers[key]
		if !ok {
			t.Fatalf("the trace has no answer %s", key)
		}
		written := -1
		for i, w := range writes {
			if strings.Contains(w.data, m.marker) {
				written = i
				break
			}
		}
		if written < 0 {
			t.Errorf("%s was answered at line %d and is not in the log", m.marker, answer.entry)
			continue
		}
		// The batch's writes are those up to the next sync.
		batch := -1
		for i, sync := range syncs {
			if sync.entry > writes[written].entry {
				batch = i
				break
			}
		}
		if batch < 0 {
			t.Errorf("%s was written at line %d and answered at line %d, without any sync after the write", m.marker, writes[written].entry, answer.entry)
			continue
		}
		sync := syncs[batch]
		batches[batch] = true
		for _, w := range writes[written:] {
			if w.entry < sync.entry && (w.exit == 0 || w.exit > sync.entry || w.result < 0) {
				t.Errorf("the write at line %d had not ended well at the sync in line %d", w.entry, sync.entry)
			}
		}
		if sync.result != 0 || sync.exit == 0 || sync.exit >= answer.entry {
			t.Errorf("%s: written at line %d, synced at lines %d to %d with %d, answered at line %d",
				m.marker, writes[written].entry, sync.entry, sync.exit, sync.result, answer.entry)
		}
	}
	if len(sends) != 256 || len(batches) < 8 || len(batches) == len(sends) {
		t.Errorf("%d sends in %d batches prove little", len(sends), len(batches))
	}
	t.Logf("%d sends in %d batches, %d writes and %d syncs of the log", len(sends), len(batches), len(writes), len(syncs))
}

func TestSickDiskLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files  []string
		inject string
		long   bool // longer than callers wait for an outcome
	}{
		"syncs of the log fail":          {[]string{"parley.db-wal"}, "fsync,fdatasync:error=EIO", false},
		"writes of the log fail":         {[]string{"parley.db-wal"}, "pwrite64:error=EIO", false},
		"no room for the log":            {[]string{"parley.db-wal"}, "pwrite64:error=ENOSPC", false},
		"syncs of the log fail for long": {[]string{"parley.db-wal"}, "fsync,fdatasync:error=EIO", true},
		"all syncs fail":                 {[]string{"parley.db", "parley.db-wal", "unrecorded"}, "fsync,fdatasync:error=EIO", false},
		"no room for anything":           {[]string{"parley.db", "parley.db-wal", "unrecorded"}, "pwrite64:error=ENOSPC", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			rc := ofApp(t, nil)
			s := serve(t, nil, oneApp(folder(data), rc, "--group-rate", "0")...)
			client := s.client()
			lobby(t, client)
			w := gather(t, 8, "lobby", "gagged", client)
			w.awaitMore(50)
			x := sicken(t, s, data, c.inject, c.files...)
			eventually(t, "the server says that it takes no writes", func() bool { return s.health(t, "/readyz") == 503 })
			if status := s.health(t, "/healthz"); status != 200 {
				t.Errorf("/healthz answers %d while the disk is sick", status)
			}
			w.awaitSick(20)
			if c.long {
				w.awaitUnknown()
			}
			x.detach(t)
			eventually(t, "the server recovers by itself", func() bool { return s.health(t, "/readyz") == 200 })
			w.awaitMore(50)
			w.settle(s, rc)
			w.repeat(client, 20)
			s.balance(t)
			if !strings.Contains(x.trace(t), "(INJECTED)") {
				t.Error("no fault was injected")
			}
			s.stop(t)
		})
	}
}

// sicken lets system calls on files of the data folder fail until detach.
func sicken(t *testing.T, s *server, data, inject string, files ...string) *tracer {
	t.Helper()
	calls, _, _ := strings.Cut(inject, ":")
	args := []string{"-e", "trace=" + calls, "-e", "inject=" + inject}
	for _, f := range files {
		args = append(args, "-P", filepath.Join(data, f))
	}
	return attach(t, s.cmd.Process.Pid, args...)
}

// A kill may lose what the failing disk did not take; here it takes the file
// for such refusals, and fails for the log alone.
func TestRefusalsOfASickDiskOutliveAKill(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	rc := ofApp(t, nil)
	flags := oneApp(folder(data), rc, "--group-rate", "0")
	s := serve(t, nil, flags...)
	lobby(t, s.client())
	w := gather(t, 8, "lobby", "gagged", s.client())
	w.awaitMore(50)
	for range 3 {
		x := sicken(t, s, data, "fsync,fdatasync:error=EIO", "parley.db-wal")
		w.awaitSick(20)
		s.kill(t)
		x.detach(t)
		s = serve(t, nil, flags...)
		w.move(0, s.client())
		w.awaitMore(50)
	}
	w.settle(s, rc)
	s.stop(t)
}

// One sync takes three seconds: what was behind it has waited too long.
func TestSendsThatWaitTooLongForTheDiskAreRefusedWith60008(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	rc := ofApp(t, nil)
	s := serve(t, nil, oneApp(folder(data), rc, "--group-rate", "0")...)
	lobby(t, s.client())
	w := gather(t, 16, "lobby", "gagged", s.client())
	w.awaitMore(50)
	x := sicken(t, s, data, "fsync,fdatasync:delay_enter=3000000", "parley.db-wal")
	w.await(t, "senders are told 60008", func() bool { return w.codes[api.CodeServiceTimeout] > 0 })
	x.detach(t)
	w.awaitMore(50)
	w.settle(s, rc)
	s.stop(t)
}
