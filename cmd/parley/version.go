package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release that this source becomes.
const version = "0.1.0"

type versionCmd struct{}

// Run prints version, revision and Go version.
func (versionCmd) Run(e *env) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " (" + s.Value[:min(len(s.Value), 12)] + ")"
			}
		}
	}
	_, err := fmt.Fprintf(e.stdout, "parley %s%s %s %s/%s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
