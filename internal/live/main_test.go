package live_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// No test of this package may leave a goroutine behind. The library ends one of
// its own a second after a node was shut down, and its client has calls that end
// seconds after their connection.
func TestMain(m *testing.M) {
	code := m.Run()
	var err error
	for range 20 { // the SDK waits some seconds for answers on connections that are gone
		if err = goleak.Find(); err == nil {
			os.Exit(code)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
