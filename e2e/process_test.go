package e2e

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// output is what a process has printed so far.
type output struct {
	watched
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.change(func() { o.text.Write(p) })
	return len(p), nil
}

func (o *output) String() (text string) {
	o.look(func() { text = o.text.String() })
	return text
}

// lines are the lines that are complete or last.
func (o *output) lines() []string { return strings.Split(strings.TrimSpace(o.String()), "\n") }

// process is the program at work.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr output
	ended          chan struct{} // closed at the end; then code is set
	code           int           // -1 for an end by a signal
}

// launch starts the program. What it finds in the environment under PARLEY_ is
// env alone. It is killed at the end of the test if it still runs then.
func launch(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	return launchBy(t, nil, env, args...)
}

// launchBy is launch by another command, which must become the program.
func launchBy(t testing.TB, by, env []string, args ...string) *process {
	t.Helper()
	command := append(append(by[:len(by):len(by)], program), args...)
	p := &process{cmd: exec.Command(command[0], command[1:]...), ended: make(chan struct{})}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PARLEY_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the code tells
		p.code = p.cmd.ProcessState.ExitCode()
		p.stdout.change(func() {})
	}()
	t.Cleanup(func() {
		if t.Failed() { // what is it doing?
			_ = p.cmd.Process.Signal(syscall.SIGQUIT)
			select {
			case <-p.ended:
			case <-time.After(5 * time.Second):
			}
		}
		_ = p.cmd.Process.Kill() // this process alone; harmless after its end
		<-p.ended
		if t.Failed() {
			t.Logf("%s printed:\n%s%s", strings.Join(args, " "), &p.stdout, tail(p.stderr.String(), 20000))
		}
	})
	return p
}

func tail(text string, most int) string {
	if len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}

// printed waits for a line of standard output and returns what the pattern's
// groups found. It fails if the process ends first.
func (p *process) printed(t testing.TB, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	p.stdout.await(t, "the program prints "+pattern, func() bool {
		select {
		case <-p.ended:
			return true
		default:
			found = re.FindStringSubmatch(p.stdout.text.String())
			return found != nil
		}
	})
	if found == nil {
		t.Fatalf("ended with code %d before it printed %s", p.code, pattern)
	}
	return found
}

// end waits for the process to end and returns its code.
func (p *process) end(t testing.TB) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-p.ended:
	case <-ctx.Done():
		t.Fatalf("process %d does not end", p.cmd.Process.Pid)
	}
	return p.code
}

// signal sends a signal to the process.
func (p *process) signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// kill ends it as SIGKILL does.
func (p *process) kill(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
}

// parley runs the program to its end.
func parley(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, env, args...)
	p.end(t)
	return p
}
