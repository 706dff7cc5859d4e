package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// tracer is strace, attached to a process of a test. It slows or harms only
// this one.
type tracer struct {
	cmd    *exec.Cmd
	stderr output
	file   string
	ended  chan struct{}
}

// attach traces all threads of a process until detach. The test is skipped
// where strace is missing or may not trace.
func attach(t testing.TB, pid int, args ...string) *tracer {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed: system calls cannot be looked at")
	}
	x := &tracer{file: filepath.Join(t.TempDir(), "trace"), ended: make(chan struct{})}
	x.cmd = exec.Command(strace, append([]string{"-f", "-y", "-p", strconv.Itoa(pid), "-o", x.file}, args...)...)
	x.cmd.Stderr = &x.stderr
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(x.ended)
		_ = x.cmd.Wait() // its words tell
		x.stderr.change(func() {})
	}()
	t.Cleanup(func() { x.detach(t) })
	attached := false
	x.stderr.await(t, "strace attaches", func() bool {
		select {
		case <-x.ended:
			return true
		default:
			attached = strings.Contains(x.stderr.text.String(), " attached")
			return attached
		}
	})
	if !attached {
		if words := x.stderr.String(); strings.Contains(words, "Operation not permitted") {
			t.Skipf("this user may not trace: %s", words)
		}
		t.Fatalf("strace ended: %s", &x.stderr)
	}
	return x
}

// detach leaves the process to itself.
func (x *tracer) detach(t testing.TB) {
	t.Helper()
	_ = x.cmd.Process.Signal(syscall.SIGTERM) // an error: it has ended
	<-x.ended
}

// syscallRecord is one system call that names a file.
type syscallRecord struct {
	name, path, data string
	entry, exit      int // lines of the trace; exit is 0 for a call that did not end
	result           int
}

var (
	callLine    = regexp.MustCompile(`^(\d+) +(\w+)\(\d+<([^>]*)>(.*)$`)
	resumedLine = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)$`)
	resultEnd   = regexp.MustCompile(`\) += (-?\d+)[^=]*$`)
)

const unfinished = " <unfinished ...>"

// trace is what strace wrote, complete after detach.
func (x *tracer) trace(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(x.file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// calls reads the trace. A thread stops at the entry and at the exit of a call
// until strace has noted it, so what one call caused is noted after it.
func (x *tracer) calls(t testing.TB) (list []syscallRecord) {
	t.Helper()
	open := make(map[string]int) // by thread
	number := 0
	for line := range strings.Lines(x.trace(t)) {
		number++
		line = strings.TrimSuffix(line, "\n")
		if m := resumedLine.FindStringSubmatch(line); m != nil {
			if i, ok := open[m[1]]; ok {
				delete(open, m[1])
				list[i].end(m[3], number)
			}
			continue
		}
		m := callLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		r := syscallRecord{name: m[2], path: m[3], data: m[4], entry: number}
		if strings.HasSuffix(line, unfinished) {
			open[m[1]] = len(list)
		} else {
			r.end(m[4], number)
		}
		list = append(list, r)
	}
	return list
}

func (r *syscallRecord) end(text string, line int) {
	if m := resultEnd.FindStringSubmatch(text); m != nil {
		r.exit = line
		r.result, _ = strconv.Atoi(m[1]) // digits
	}
}
