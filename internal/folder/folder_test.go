package folder_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/folder"
)

// holdEnv makes the test binary a process that opens the named folder, says
// "open" or the error on standard output, and lives until its input ends.
const holdEnv = "PARLEY_TEST_HOLD_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		hold(dir)
		return
	}
	os.Exit(m.Run())
}

func hold(dir string) {
	f, err := folder.Open(dir)
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("open\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = f.Close()
}

// holder starts another process that has dir open.
func holder(t *testing.T, dir string) (*exec.Cmd, io.Closer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), holdEnv+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "open\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return cmd, in
}

func open(t *testing.T, dir string) *folder.Folder {
	t.Helper()
	f, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestMissingFolderIsMadeForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	if got := open(t, dir).Path(); got != dir {
		t.Errorf("Path is %s, want %s", got, dir)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("others may look into it: %v", mode)
	}
}

func TestOpenLeavesOnlyTheLockFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// As if an earlier start had been killed between making and removing it.
	if err := os.WriteFile(filepath.Join(dir, "lock.probe"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{folder.LockName}) {
		t.Errorf("the folder holds %q", names)
	}
}

func TestRelativePathIsMadeAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	want, err := filepath.Abs("data")
	if err != nil {
		t.Fatal(err)
	}
	if got := open(t, "data").Path(); got != want {
		t.Errorf("Path is %s, want %s", got, want)
	}
}

func TestSecondOpenIsRefusedUntilTheFirstIsClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir)
	_, err := folder.Open(dir)
	if !errors.Is(err, folder.ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("the second open says %v", err)
	}
	for range 2 {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir)
}

func TestFolderOfAnotherProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other, in := holder(t, dir)
	if _, err := folder.Open(dir); !errors.Is(err, folder.ErrInUse) {
		t.Fatalf("open says %v", err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestKilledProcessLeavesNoLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other, _ := holder(t, dir)
	if _, err := folder.Open(dir); !errors.Is(err, folder.ErrInUse) {
		t.Fatalf("open says %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err == nil {
		t.Fatal("the other process ended by itself")
	}
	open(t, dir)
}

func TestUnusableFolderIsNamed(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"a file":              func(t *testing.T, dir string) { write(t, dir) },
		"lock is a folder":    func(t *testing.T, dir string) { mkdir(t, filepath.Join(dir, folder.LockName)) },
		"takes no new file":   func(t *testing.T, dir string) { mkdir(t, filepath.Join(dir, "lock.probe")) },
		"not for this user":   func(t *testing.T, dir string) { mkdir(t, dir); forbid(t, dir) },
		"old lock, forbidden": func(t *testing.T, dir string) { mkdir(t, dir); write(t, filepath.Join(dir, "lock")); forbid(t, dir) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			prepare(t, dir)
			for range 2 { // the second would be ErrInUse if the first left its lock
				f, err := folder.Open(dir)
				if err == nil {
					_ = f.Close()
					t.Fatal("it was opened")
				}
				if errors.Is(err, folder.ErrInUse) || !strings.Contains(err.Error(), "data folder "+dir+" cannot be ") {
					t.Errorf("the error says %v", err)
				}
			}
		})
	}
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(name, 0o700); err != nil {
		t.Fatal(err)
	}
}

// forbid takes the right to make files in dir.
func forbid(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() <= 0 {
		t.Skip("the superuser, and Windows, may write there all the same")
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
}

func TestFolderInUseIsNoticedWithoutTouchingIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ask := func(want bool) {
		t.Helper()
		if used, err := folder.InUse(dir); used != want || err != nil {
			t.Errorf("in use: %v, %v, want %v", used, err, want)
		}
	}
	ask(false)
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("the folder has %v, %v", list, err)
	}
	other, _ := holder(t, dir)
	ask(true)
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	ask(false)
	open(t, dir) // asking left no lock
}
