package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
)

func TestDemoEndsByItselfAndSaysWhatItDid(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if code := run([]string{"demo", "--duration", "2s"}, &stdout, &stderr); code != exitOK {
		t.Errorf("exit code %d, stderr %s", code, &stderr)
	}
	for _, want := range []string{"monitor page: http://127.0.0.1:", "refused 10010 ", "callback after ", "parley demo ended"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is not in\n%s", want, &stdout)
		}
	}
}

func TestDemoNamesAllFaultsOfItsFlagsAtOnce(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := run([]string{"demo", "--listen", "here", "--admin-listen", "a:b", "--monitor-listen", "127.0.0.1:70000", "--chat-listen", "0.0.0.0:8070", "--duration", "soon"}, &stdout, &stderr)
	if code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines, want 5:\n%s", len(lines), &stderr)
	}
	for i, flag := range []string{"--listen", "--admin-listen", "--monitor-listen", "--chat-listen", "--duration"} {
		if !strings.HasPrefix(lines[i], "parley: "+flag+": ") {
			t.Errorf("line %d is %q, want one about %s", i, lines[i], flag)
		}
	}
}

func TestDemoFailsWhenItsPortIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var stdout, stderr bytes.Buffer
	if code := run([]string{"demo", "--listen", taken.Addr().String()}, &stdout, &stderr); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if !strings.Contains(stderr.String(), taken.Addr().String()) {
		t.Errorf("the address is not named: %s", &stderr)
	}
}
