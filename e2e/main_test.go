package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// program is the file of the program under test.
var program string

// long says whether the long form was asked for.
var long = os.Getenv("PARLEY_E2E_LONG") == "1"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "parley-e2e-")
	if err != nil {
		fail(err)
	}
	program = filepath.Join(dir, "parley")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if text, err := exec.Command("go", "build", "-o", program, "github.com/parley-im/parley/cmd/parley").CombinedOutput(); err != nil {
		fail(fmt.Errorf("build the program: %w\n%s", err, text))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
